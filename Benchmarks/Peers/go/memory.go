package main

import "sync"

func memory(r round) []figure {
	coroutines := r.numbers["coroutines"]
	event := make(chan struct{})
	defer close(event)
	// The first one brings what all share.
	park(1, event)
	before := currentMemoryUse()
	start := processTime()
	park(coroutines, event)
	took := processTime() - start
	after := currentMemoryUse()

	each := func(total float64) float64 { return total / float64(coroutines) }
	return []figure{
		{"group", each(after.group - before.group)},
		{"resident", each(after.resident - before.resident)},
		{"page tables", each(after.pageTables - before.pageTables)},
		{"spawn", each(float64(took))},
	}
}

// park starts so many goroutines and returns when all of them wait for the event.
func park(coroutines int, event <-chan struct{}) {
	var waiting sync.WaitGroup
	waiting.Add(coroutines)
	for range coroutines {
		go func() {
			waiting.Done()
			<-event
		}()
	}
	waiting.Wait()
}
