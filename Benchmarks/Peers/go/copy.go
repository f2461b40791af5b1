package main

import (
	"io"
	"os"
	"runtime"
)

func (s service) runCopy(arguments []string) error {
	flags := newFlags()
	size := flags.Int("size", 65536, "")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return usage("'%s' is no option.", flags.Arg(0))
	}
	if *size < 1 {
		return usage("The size must be positive.")
	}
	runtime.GOMAXPROCS(1)
	return s.copy(*size)
}

// copyInput copies standard input to standard output, until end of file.
func copyInput(size int) error {
	_, err := io.CopyBuffer(os.Stdout, os.Stdin, make([]byte, size))
	return err
}
