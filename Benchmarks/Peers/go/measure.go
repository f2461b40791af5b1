package main

import (
	"math"
	"slices"
	"time"
)

// perStep returns the nanoseconds of CPU time that one step costs.
//
// steps does about as many as are wanted and says how many they were and how long they took. It is
// called with growing numbers, of which the last counts; so what is slow only once is left out.
func (r round) perStep(steps func(wanted int) (count int, took time.Duration)) float64 {
	wanted := 100
	for {
		count, took := steps(wanted)
		if took >= r.duration/8 {
			scale := float64(r.duration) / float64(took)
			count, took = steps(max(1, int(float64(count)*scale)))
			return float64(took) / float64(count)
		}
		wanted = count * 4
	}
}

// perExactStep is perStep for a body that does exactly so many steps, and nothing else.
func (r round) perExactStep(body func(count int)) float64 {
	return r.perStep(func(wanted int) (int, time.Duration) {
		start := processTime()
		body(wanted)
		return wanted, processTime() - start
	})
}

// latencies calls once again and again, and returns percentiles of what it tells.
func (r round) latencies(once func() time.Duration) []figure {
	for start := time.Now(); time.Since(start) < r.duration/8; {
		once()
	}
	var all []time.Duration
	for start := time.Now(); time.Since(start) < r.duration; {
		all = append(all, once())
	}
	slices.Sort(all)
	percentile := func(share float64) float64 {
		rank := int(math.Ceil(share * float64(len(all))))
		return float64(all[rank-1]) / float64(time.Microsecond)
	}
	return []figure{{"p50", percentile(0.5)}, {"p99", percentile(0.99)}}
}
