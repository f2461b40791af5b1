// Programs that are run while the kernel refuses, interrupts and floods them; scripts/test-faults,
// scripts/soak and the tests beside them start them. The first argument says which.

@preconcurrency import Glibc

let arguments = Array(CommandLine.arguments.dropFirst())

switch arguments.first ?? "" {
case "tour":
  tour()
case "denied":
  denied(with: arguments.dropFirst().first.flatMap { CInt($0) } ?? EPERM)
case "storm":
  storm(milliseconds: arguments.dropFirst().first.flatMap { UInt32($0) } ?? 500)
case "echo-server":
  echoServer()
default:
  fatalError("Which program?")
}
