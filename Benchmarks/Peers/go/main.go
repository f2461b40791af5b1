// Goroutines, measured as a peer: ../README.md says what a peer has to do.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
)

func main() {
	err := run(os.Args[1:])
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	if errors.As(err, new(usageError)) {
		os.Exit(64)
	}
	os.Exit(1)
}

func run(arguments []string) error {
	if len(arguments) == 0 {
		return usage("A command is missing: list, round or serve.")
	}
	rest := arguments[1:]
	switch arguments[0] {
	case "list":
		return list(rest)
	case "round":
		return runRound(rest)
	case "serve":
		return runServe(rest)
	}
	return usage("'%s' is no command: it must be list, round or serve.", arguments[0])
}

func list(arguments []string) error {
	if len(arguments) > 0 {
		return usage("The command list takes no arguments.")
	}
	fmt.Printf("version\t%s\n", strings.Replace(runtime.Version(), "go", "Go ", 1))
	for _, workload := range workloads {
		fmt.Printf("round\t%s\n", workload.name)
	}
	for _, service := range services {
		fmt.Printf("serve\t%s\n", service.name)
	}
	return nil
}
