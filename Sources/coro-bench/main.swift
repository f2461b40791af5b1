import Coroutines
import Glibc

func bar(_ x: Int) throws { print(x); try Coroutine.sleep(0.05); print(x + 22) }
let c = Coroutine(target: bar, args: 12)
c.start()
print(56)
try c.join()
let (r, w) = try Coroutine.pipe()
Coroutine { try w.writeAll("hello"); try w.close() }.start()
var buffer = [UInt8](repeating: 0, count: 100)
while case let n = try r.read(into: &buffer), n > 0 { print(n, String(decoding: buffer[..<n], as: UTF8.self)) }
let server = try Coroutine.socket(.inet, .stream)
try server.bind(to: .inet("127.0.0.1", port: 0))
try server.listen()
print(try server.localAddress)
Coroutine(name: "server", daemon: true) {
  while true {
    let peer = try server.accept()
    Coroutine {
      var b = [UInt8](repeating: 0, count: 1000)
      while case let n = try peer.receive(into: &b), n > 0 { try peer.sendAll(b[..<n]) }
    }.start()
  }
}.start()
let s = try Coroutine.socket(.inet, .stream)
try s.connect(to: server.localAddress)
try s.sendAll("ping")
let n = try s.receive(into: &buffer)
print(n)
do { _ = try s.receive(into: &buffer, timeout: .milliseconds(20)) } catch { print(error) }
do { try Coroutine.current.join() } catch { print(error) }
try Coroutine.signal(SIGUSR1) { n in print("got", n); try Coroutine.sleep(0.01); print("done") }
kill(getpid(), SIGUSR1)
try Coroutine.sleep(0.05)
do { try s.connect(to: .inet("127.0.0.1", port: 1)) } catch { print(error) }
let s2 = try Coroutine.socket(.inet, .stream)
do { try s2.connect(to: .inet("127.0.0.1", port: 1)) } catch { print(error) }
enum T { @TaskLocal static var x = 0 }
T.$x.withValue(5) { Coroutine { print("x", T.x); try Coroutine.sleep(0.01); print("x", T.x) }.start() }
print("outer x", T.x)
