// The sinks of events: JSON lines on disk (the truth), a log for eyes, the terminal, and several at
// once.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "base/files.h"
#include "facet/event.h"

namespace facet {

/// events.jsonl: every metric, info and warning as one line {"event", "level", "step", "time",
/// fields...}.
class JsonLines : public EventSink {
 public:
  /// keep >= 0: the file is cut to that many bytes first (resume).
  explicit JsonLines(const std::filesystem::path& file, int64_t keep = -1) : lines_(file, keep) {}
  void emit(const Event& event) override;
  /// Bytes on disk; they survive a crash after this call.
  int64_t durable_size();

 private:
  Appender lines_;
};

/// log.txt and the terminal. `terminal` false: silent there but for warnings (stderr).
class EyesSink : public EventSink {
 public:
  EyesSink(const std::filesystem::path& log_file, bool quiet);
  ~EyesSink() override;
  void emit(const Event& event) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Passes each event on to all.
class AllSinks : public EventSink {
 public:
  explicit AllSinks(std::vector<EventSink*> sinks) : sinks_(std::move(sinks)) {}
  void emit(const Event& event) override;

 private:
  std::vector<EventSink*> sinks_;
};

/// Keeps nothing.
class NoSink : public EventSink {
 public:
  void emit(const Event&) override {}
};

}  // namespace facet
