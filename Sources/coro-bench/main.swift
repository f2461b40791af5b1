print("coro-bench")
