package main

import (
	"errors"
	"net"
)

func serveDatagrams(address string) error {
	local, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp", local)
	if err != nil {
		return err
	}
	announce(socket.LocalAddr(), socket)
	buffer := make([]byte, 2*1024)
	for {
		count, sender, err := socket.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			continue
		}
		// Whether it arrives is nobody's promise.
		socket.WriteToUDPAddrPort(buffer[:count], sender)
	}
}
