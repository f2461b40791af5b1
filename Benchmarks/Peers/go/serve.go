package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// A service serves either connections or, where serve is nil, datagrams; or it copies.
type service struct {
	name  string
	serve func(net.Conn)
	copy  func(size int) error
	// What runs beside all connections.
	background func()
}

var services = []service{
	{name: "echo", serve: echo},
	{name: "stream", serve: stream},
	{name: "datagram"},
	{name: "mixed", serve: echo, background: compute},
	{name: "copy", copy: copyInput},
}

func runServe(arguments []string) error {
	if len(arguments) == 0 {
		return usage("A service is missing: the command list names them.")
	}
	index := slices.IndexFunc(services, func(s service) bool { return s.name == arguments[0] })
	if index < 0 {
		return usage("'%s' is no service: the command list names them.", arguments[0])
	}
	service := services[index]
	if service.copy != nil {
		return service.runCopy(arguments[1:])
	}
	flags := newFlags()
	tcp := flags.String("tcp", "", "")
	unix := flags.String("unix", "", "")
	udp := flags.String("udp", "", "")
	threads := flags.Int("threads", 1, "")
	if err := parse(flags, arguments[1:]); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return usage("'%s' is no option.", flags.Arg(0))
	}
	if *threads < 1 {
		return usage("The number of threads must be positive.")
	}
	if address := *tcp + *udp; address != "" {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return usage("'%s' is no address: it must read HOST:PORT.", address)
		}
	}
	runtime.GOMAXPROCS(*threads)
	switch {
	case service.serve == nil && *udp != "" && *tcp == "" && *unix == "":
		return serveDatagrams(*udp)
	case service.serve != nil && *tcp != "" && *unix == "" && *udp == "":
		return service.listen("tcp", *tcp)
	case service.serve != nil && *unix != "" && *tcp == "" && *udp == "":
		return service.listen("unix", *unix)
	case service.serve == nil:
		return usage("The service '%s' needs --udp and no other address.", service.name)
	}
	return usage("The service '%s' needs either --tcp or --unix.", service.name)
}

func (s service) listen(network, address string) error {
	listener, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	announce(listener.Addr(), listener)
	if s.background != nil {
		s.background()
	}
	for {
		// It has TCP_NODELAY set already: that is what the package net does.
		connection, err := listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			// Most likely too many open descriptors: some connection has to end first.
			time.Sleep(20 * time.Millisecond)
		default:
			go s.serve(connection)
		}
	}
}

// announce says where the server listens, until SIGTERM closes it.
func announce(address net.Addr, server io.Closer) {
	terminations := make(chan os.Signal, 1)
	signal.Notify(terminations, syscall.SIGTERM)
	go func() {
		<-terminations
		server.Close()
	}()
	fmt.Printf("listening on %s\n", address)
}
