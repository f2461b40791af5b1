package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func yield(r round) []figure {
	coroutines := r.numbers["coroutines"]
	return []figure{{"", r.perStep(func(wanted int) (int, time.Duration) {
		return yieldAmong(coroutines, max(2, wanted/coroutines))
	})}}
}

// yieldAmong lets each goroutine yield so many times, or until the first of them is through: the
// scheduler does not keep them in order, so that they get there at different times.
func yieldAmong(coroutines, times int) (count int, took time.Duration) {
	var (
		arrived, total   atomic.Int64
		isOpen, isFinish atomic.Bool
		start            time.Duration
		all              sync.WaitGroup
	)
	all.Add(coroutines)
	for range coroutines {
		go func() {
			defer all.Done()
			// Starts are not counted: nobody begins before all are there.
			if arrived.Add(1) == int64(coroutines) {
				start = processTime()
				isOpen.Store(true)
			}
			for !isOpen.Load() {
				runtime.Gosched()
			}
			own := 0
			for own < times && !isFinish.Load() {
				runtime.Gosched()
				own++
			}
			// Neither are ends.
			if isFinish.CompareAndSwap(false, true) {
				took = processTime() - start
			}
			total.Add(int64(own))
		}()
	}
	all.Wait()
	return int(total.Load()), took
}
