package main

import (
	"flag"
	"fmt"
	"io"
)

// A usageError is a sentence about what is wrong with the command line.
type usageError string

func (sentence usageError) Error() string { return string(sentence) }

func usage(format string, values ...any) error {
	return usageError(fmt.Sprintf(format, values...))
}

// newFlags returns an empty set whose errors are ours to tell.
func newFlags() *flag.FlagSet {
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

func parse(flags *flag.FlagSet, arguments []string) error {
	if err := flags.Parse(arguments); err != nil {
		return usage("The arguments can't be read: %v.", err)
	}
	return nil
}
