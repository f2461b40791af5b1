package main

import "net"

// echo is a loop of its own, since io.Copy would splice between the sockets: that never shows the
// bytes to the program.
func echo(connection net.Conn) {
	defer connection.Close()
	buffer := make([]byte, 16*1024)
	for {
		count, err := connection.Read(buffer)
		if err != nil {
			return
		}
		if _, err = connection.Write(buffer[:count]); err != nil {
			return
		}
	}
}
