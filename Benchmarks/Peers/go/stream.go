package main

import (
	"io"
	"net"
)

// A message is put into the channel by value, which makes no garbage.
type message [512]byte

func stream(connection net.Conn) {
	defer connection.Close()
	messages := make(chan message, 16)
	go receiveMessages(connection, messages)
	// One variable for all: it goes to the heap, since Write is an interface's.
	var message message
	for message = range messages {
		if _, err := connection.Write(message[:]); err != nil {
			break
		}
	}
	// After an error the receiver may wait for room. It comes to the connection's end soon.
	for range messages {
	}
}

func receiveMessages(connection net.Conn, messages chan<- message) {
	defer close(messages)
	var message message
	for {
		if _, err := io.ReadFull(connection, message[:]); err != nil {
			return
		}
		messages <- message
	}
}
