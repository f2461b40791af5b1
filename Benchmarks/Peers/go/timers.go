package main

import (
	"sync"
	"sync/atomic"
	"time"
)

func timers(r round) []figure {
	var (
		wakeUps  atomic.Int64
		isFinish atomic.Bool
		all      sync.WaitGroup
	)
	for range r.numbers["sleepers"] {
		all.Add(1)
		go func() {
			defer all.Done()
			for !isFinish.Load() {
				time.Sleep(time.Millisecond)
				wakeUps.Add(1)
			}
		}()
	}

	// What follows the start is not yet the steady state.
	time.Sleep(r.duration / 4)
	firstCount, firstTime := wakeUps.Load(), processTime()
	time.Sleep(r.duration)
	lastCount, lastTime := wakeUps.Load(), processTime()

	isFinish.Store(true)
	all.Wait()
	return []figure{{"CPU", float64(lastTime-firstTime) / float64(lastCount-firstCount)}}
}

func pending(r round) []figure {
	count := r.numbers["timers"]
	var all sync.WaitGroup
	start := processTime()
	for number := range count {
		all.Add(1)
		go func() {
			defer all.Done()
			share := float64(number) / float64(count)
			time.Sleep(time.Second + time.Duration(share*float64(time.Second)))
		}()
	}
	all.Wait()
	return []figure{{"CPU", float64(processTime()-start) / float64(count)}}
}

func overshoot(r round) []figure {
	return r.latencies(func() time.Duration {
		start := time.Now()
		time.Sleep(time.Millisecond)
		return time.Since(start) - time.Millisecond
	})
}
