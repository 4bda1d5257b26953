// Bodies of the sinks that need no logging library.
#include "base/sinks.h"

#include <ctime>

namespace facet {

EventSink::~EventSink() = default;

void EventSink::info(const std::string& name, const std::string& message) {
  emit({Level::info, name, -1, Value(Value::Table{{"message", message}})});
}
void EventSink::warn(const std::string& name, const std::string& message) {
  emit({Level::warning, name, -1, Value(Value::Table{{"message", message}})});
}
void EventSink::progress(const std::string& name, int64_t done, int64_t total,
                         const std::string& unit) {
  emit({Level::progress, name, -1,
        Value(Value::Table{{"done", done}, {"total", total}, {"unit", unit}})});
}

void JsonLines::emit(const Event& event) {
  if (event.level == Level::progress || event.level == Level::debug) return;
  Value line = event.fields.empty() ? Value(Value::Table()) : event.fields;
  line.set("event", event.name);
  line.set("level", event.level == Level::metric ? "metric"
                    : event.level == Level::info ? "info"
                                                 : "warning");
  if (event.step >= 0) line.set("step", event.step);
  char now[32];
  const std::time_t seconds = std::time(nullptr);
  std::strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&seconds));
  line.set("time", std::string(now));
  lines_.line(emit_json(line));
}

int64_t JsonLines::durable_size() {
  lines_.sync();
  return lines_.size();
}

void AllSinks::emit(const Event& event) {
  for (EventSink* sink : sinks_) sink->emit(event);
}

}  // namespace facet
