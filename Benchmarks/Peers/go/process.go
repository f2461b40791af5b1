package main

import (
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// processTime returns the CPU time of this process: user and kernel, all threads, so those of the
// garbage collector too.
func processTime() time.Duration {
	const clockProcessCPUTimeID = 2
	var now syscall.Timespec
	_, _, err := syscall.RawSyscall(
		syscall.SYS_CLOCK_GETTIME, clockProcessCPUTimeID, uintptr(unsafe.Pointer(&now)), 0)
	if err != 0 {
		panic(err)
	}
	return time.Duration(now.Nano())
}

// A memoryUse is in bytes.
type memoryUse struct{ group, resident, pageTables float64 }

func currentMemoryUse() memoryUse {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	return memoryUse{
		group:      groupMemory(),
		resident:   statusBytes(string(status), "VmRSS:"),
		pageTables: statusBytes(string(status), "VmPTE:"),
	}
}

// groupMemory returns the memory of the control group, or NaN where nobody says how to read it.
func groupMemory() float64 {
	path := os.Getenv("CORO_BENCH_GROUP_MEMORY")
	if path == "" {
		return math.NaN()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	number, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil {
		panic(err)
	}
	return number
}

func statusBytes(status, name string) float64 {
	_, rest, _ := strings.Cut(status, name)
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kilobytes, err := strconv.Atoi(number)
	if err != nil {
		panic(err)
	}
	return float64(kilobytes) * 1024
}
