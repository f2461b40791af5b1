package main

import (
	"io"
	"os"
)

func pipe(r round) []figure {
	size := r.numbers["size"]
	return []figure{{"CPU", r.perExactStep(func(count int) { pingPong(count, size) }) / 1000}}
}

func pingPong(count, size int) {
	thereReader, thereWriter := newPipe()
	backReader, backWriter := newPipe()
	end := make(chan struct{})
	go func() {
		defer close(end)
		buffer := make([]byte, size)
		for range count {
			readAll(thereReader, buffer)
			writeAll(backWriter, buffer)
		}
	}()
	buffer := make([]byte, size)
	for range count {
		writeAll(thereWriter, buffer)
		readAll(backReader, buffer)
	}
	<-end
	for _, file := range []*os.File{thereReader, thereWriter, backReader, backWriter} {
		file.Close()
	}
}

func newPipe() (reader, writer *os.File) {
	reader, writer, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	return reader, writer
}

func readAll(file *os.File, buffer []byte) {
	if _, err := io.ReadFull(file, buffer); err != nil {
		panic(err)
	}
}

func writeAll(file *os.File, buffer []byte) {
	if _, err := file.Write(buffer); err != nil {
		panic(err)
	}
}
