package main

import "sync"

func spawn(r round) []figure {
	return []figure{{"", r.perExactStep(func(count int) {
		for range count {
			var end sync.WaitGroup
			end.Add(1)
			go func() { end.Done() }()
			end.Wait()
		}
	})}}
}

var stacks = parameter{name: "stacks", choices: []string{"fresh", "cached"}}

func spawnMany(r round) []figure {
	coroutines := r.numbers["coroutines"]
	if r.choices["stacks"] == "cached" {
		startAndJoin(coroutines)
	}
	start := processTime()
	startAndJoin(coroutines)
	return []figure{{"", float64(processTime()-start) / float64(coroutines)}}
}

func startAndJoin(coroutines int) {
	var waiting, ends sync.WaitGroup
	event := make(chan struct{})
	waiting.Add(coroutines)
	ends.Add(coroutines)
	for range coroutines {
		go func() {
			waiting.Done()
			<-event
			ends.Done()
		}()
	}
	// Otherwise most of them would first run when the event is there already.
	waiting.Wait()
	close(event)
	ends.Wait()
}
