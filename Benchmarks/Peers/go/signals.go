package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

func signals(r round) []figure {
	arrivals := make(chan os.Signal, 1)
	signal.Notify(arrivals, syscall.SIGUSR1)
	process := os.Getpid()
	return r.latencies(func() time.Duration {
		start := time.Now()
		if err := syscall.Kill(process, syscall.SIGUSR1); err != nil {
			panic(err)
		}
		<-arrivals
		return time.Since(start)
	})
}
