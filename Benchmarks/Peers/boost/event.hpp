// What many fibers of a thread wait for in common.
#pragma once

#include <boost/fiber/all.hpp>
#include <mutex>

class Event {
 public:
  void wait() {
    std::unique_lock<boost::fibers::mutex> lock(mutex_);
    condition_.wait(lock, [this] { return is_set_; });
  }

  void set() {
    {
      std::lock_guard<boost::fibers::mutex> lock(mutex_);
      is_set_ = true;
    }
    condition_.notify_all();
  }

 private:
  boost::fibers::mutex mutex_;
  boost::fibers::condition_variable condition_;
  bool is_set_ = false;
};
