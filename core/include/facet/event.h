// Events: everything a run says. Metrics, notices, warnings and progress are one stream with
// several sinks.
#pragma once

#include <cstdint>
#include <string>

#include "facet/value.h"

namespace facet {

enum class Level {
  metric = 1,  ///< a number over steps; in events.jsonl
  info,        ///< wanted once; in events.jsonl
  warning,     ///< someone should act; in events.jsonl
  debug,       ///< for facet's developers; log.txt only
  progress,    ///< where a long piece of work stands; terminal only, never recorded
};

struct Event {
  Level level = Level::info;
  std::string name;   ///< "train.step", "host.loaded"
  int64_t step = -1;  ///< -1: not of a step
  Value fields;  ///< a table; `message` is the sentence for eyes, progress has `done`, `total`,
                 ///< `unit`
};

/// Where events go. Safe to call from the thread of the run only.
class EventSink {
 public:
  virtual ~EventSink();
  virtual void emit(const Event& event) = 0;

  void info(const std::string& name, const std::string& message);
  void warn(const std::string& name, const std::string& message);
  /// One piece of work, `done` of `total` units; total 0: unknown.
  void progress(const std::string& name, int64_t done, int64_t total, const std::string& unit);
};

}  // namespace facet
