// log.txt and the terminal: one line an event, and a progress bar with rate and time left where
// there is a terminal. The only file that sees the logging library.
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "base/sinks.h"

namespace facet {
namespace {

using Clock = std::chrono::steady_clock;

std::string text_of(const Value& value) {
  if (const std::string* s = value.as<std::string>()) return *s;
  if (const double* d = value.as<double>()) return spdlog::fmt_lib::format("{:.5g}", *d);
  return emit_json(value);
}

// "train.step 50: dead 0.1, l0 32, loss 0.53"
std::string line_of(const Event& event) {
  std::string out = event.name;
  if (event.step >= 0) out += " " + std::to_string(event.step);
  const auto* fields = event.fields.as<Value::Table>();
  if (!fields || fields->empty()) return out;
  out += ":";
  const char* separator = " ";
  for (const auto& [key, value] : *fields) {
    out += separator + (key == "message" ? text_of(value) : key + " " + text_of(value));
    separator = ", ";
  }
  return out;
}

std::string duration(double seconds) {
  const auto s = static_cast<int64_t>(seconds + 0.5);
  if (s < 60) return spdlog::fmt_lib::format("{} s", s);
  if (s < 3600) return spdlog::fmt_lib::format("{}:{:02} min", s / 60, s % 60);
  return spdlog::fmt_lib::format("{}:{:02} h", s / 3600, s / 60 % 60);
}

// One line that is overwritten: rate over the whole piece of work since its first report.
class Bar {
 public:
  void show(const Event& event) {
    const int64_t done = event.fields.integer("done"), total = event.fields.integer("total");
    const auto now = Clock::now();
    if (event.name != name_ || done < done_) {
      clear();
      name_ = event.name;
      begun_ = now;
      first_ = done;
    } else if (now - drawn_ < std::chrono::milliseconds(100) && done != total) {
      return;
    }
    done_ = done;
    drawn_ = now;
    const double seconds = std::chrono::duration<double>(now - begun_).count();
    const double rate = seconds > 0 ? static_cast<double>(done - first_) / seconds : 0;
    std::string line = spdlog::fmt_lib::format("{} {}", name_, done);
    if (total > 0) {
      const int filled = static_cast<int>(20 * done / total);
      line = spdlog::fmt_lib::format("{} [{}{}] {}/{}", name_, std::string(filled, '#'),
                                     std::string(20 - filled, '.'), done, total);
    }
    line += " " + event.fields.text("unit");
    if (rate > 0) line += spdlog::fmt_lib::format(", {:.4g}/s", rate);
    if (rate > 0 && total > done)
      line += ", " + duration(static_cast<double>(total - done) / rate) + " left";
    std::fprintf(stderr, "\r%s\x1b[K", line.c_str());
    std::fflush(stderr);
    shown_ = true;
  }
  void clear() {
    if (shown_) std::fprintf(stderr, "\r\x1b[K");
    shown_ = false;
  }

 private:
  std::string name_;
  Clock::time_point begun_, drawn_;
  int64_t first_ = 0, done_ = 0;
  bool shown_ = false;
};

}  // namespace

struct EyesSink::State {
  std::shared_ptr<spdlog::logger> log, terminal;
  bool bar_wanted = false;
  Bar bar;
};

EyesSink::EyesSink(const std::filesystem::path& log_file, bool quiet)
    : state_(std::make_unique<State>()) {
  if (!log_file.empty()) {
    state_->log = std::make_shared<spdlog::logger>(
        "log", std::make_shared<spdlog::sinks::basic_file_sink_st>(log_file.string()));
    state_->log->set_pattern("%Y-%m-%d %H:%M:%S %l %v");
    state_->log->set_level(spdlog::level::debug);
    state_->log->flush_on(spdlog::level::debug);
  }
  state_->terminal = std::make_shared<spdlog::logger>(
      "terminal", std::make_shared<spdlog::sinks::stderr_sink_st>());
  state_->terminal->set_pattern("%v");
  state_->terminal->set_level(quiet ? spdlog::level::warn : spdlog::level::info);
  state_->bar_wanted = !quiet && isatty(STDERR_FILENO) != 0;
}

EyesSink::~EyesSink() { state_->bar.clear(); }

void EyesSink::emit(const Event& event) {
  if (event.level == Level::progress) {
    if (state_->bar_wanted) state_->bar.show(event);
    return;
  }
  const std::string line = line_of(event);
  const auto level = event.level == Level::warning ? spdlog::level::warn
                     : event.level == Level::info  ? spdlog::level::info
                                                   : spdlog::level::debug;
  if (state_->log)
    state_->log->log(event.level == Level::metric ? spdlog::level::info : level, line);
  state_->bar.clear();
  state_->terminal->log(level, event.level == Level::warning ? "warning: " + line : line);
}

}  // namespace facet
