package main

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A round is one measurement of one workload.
type round struct {
	duration time.Duration
	numbers  map[string]int
	choices  map[string]string
}

type figure struct {
	name  string
	value float64
}

type workload struct {
	name       string
	parameters []parameter
	measure    func(round) []figure
}

// A parameter without choices is a positive number.
type parameter struct {
	name    string
	choices []string
}

var workloads = []workload{
	{"yield", []parameter{{name: "coroutines"}}, yield},
	{"spawn", nil, spawn},
	{"spawn-many", []parameter{{name: "coroutines"}, stacks}, spawnMany},
	{"memory", []parameter{{name: "coroutines"}}, memory},
	{"timers", []parameter{{name: "sleepers"}}, timers},
	{"pending", []parameter{{name: "timers"}}, pending},
	{"overshoot", nil, overshoot},
	{"pipe", []parameter{{name: "size"}}, pipe},
	{"signal", nil, signals},
	{"lock", nil, lock},
	{"hand-off", nil, handOff},
	{"queue", nil, queue},
}

func runRound(arguments []string) error {
	flags := newFlags()
	name := flags.String("workload", "", "")
	milliseconds := flags.Int("duration-ms", 500, "")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	if *milliseconds <= 0 {
		return usage("The duration must be a positive number of milliseconds.")
	}
	index := slices.IndexFunc(workloads, func(w workload) bool { return w.name == *name })
	if index < 0 {
		return usage("'%s' is no workload: the command list names them.", *name)
	}
	workload := workloads[index]
	r, err := newRound(workload.parameters, flags.Args())
	if err != nil {
		return err
	}
	r.duration = time.Duration(*milliseconds) * time.Millisecond

	// One thread runs goroutines, as one thread runs the coroutines of all others. The garbage
	// collector and the runtime's monitor have threads of their own, whose CPU time counts.
	runtime.GOMAXPROCS(1)
	for _, figure := range workload.measure(r) {
		fmt.Printf("%s\t%s\n", figure.name, text(figure.value))
	}
	return nil
}

func newRound(parameters []parameter, pairs []string) (round, error) {
	r := round{numbers: map[string]int{}, choices: map[string]string{}}
	given := map[string]string{}
	for _, pair := range pairs {
		name, value, found := strings.Cut(pair, "=")
		isKnown := slices.ContainsFunc(parameters, func(p parameter) bool { return p.name == name })
		if !found || !isKnown {
			return r, usage("'%s' is no parameter of this workload.", pair)
		}
		given[name] = value
	}
	for _, parameter := range parameters {
		value, found := given[parameter.name]
		if !found {
			return r, usage("The parameter '%s' is missing.", parameter.name)
		}
		if parameter.choices != nil {
			if !slices.Contains(parameter.choices, value) {
				return r, usage("The parameter '%s' must be %s, not '%s'.",
					parameter.name, strings.Join(parameter.choices, " or "), value)
			}
			r.choices[parameter.name] = value
			continue
		}
		number, err := strconv.Atoi(value)
		if err != nil || number <= 0 {
			return r, usage("The parameter '%s' must be a positive number, not '%s'.",
				parameter.name, value)
		}
		r.numbers[parameter.name] = number
	}
	return r, nil
}

func text(value float64) string {
	if math.IsNaN(value) {
		return "nan"
	}
	return strconv.FormatFloat(value, 'f', 3, 64)
}
