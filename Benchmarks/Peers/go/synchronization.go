package main

import "sync"

func lock(r round) []figure {
	var mutex sync.Mutex
	return []figure{{"", r.perExactStep(func(count int) {
		for range count {
			mutex.Lock()
			mutex.Unlock()
		}
	})}}
}

func handOff(r round) []figure { return passItems(r, 0) }

func queue(r round) []figure { return passItems(r, 1024) }

// passItems sends numbers through a channel of that capacity, from one goroutine to another.
func passItems(r round, capacity int) []figure {
	return []figure{{"", r.perExactStep(func(count int) {
		items := make(chan int, capacity)
		go func() {
			defer close(items)
			for item := range count {
				items <- item
			}
		}()
		for range items {
		}
	})}}
}
