package main

import (
	"runtime"
	"time"
)

// compute starts what keeps the processor busy for ever.
func compute() {
	for range 10 {
		go func() {
			for {
				for start := time.Now(); time.Since(start) < time.Millisecond; {
				}
				runtime.Gosched()
			}
		}()
	}
}
