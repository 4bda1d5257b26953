// Trying properties of a part with its output captured.
#include "plugin/conformance_trial.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "plugin/call.h"

namespace facet {

namespace {

constexpr size_t kShownOutput = 60;  // characters

void flush_all() {
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
}

Outcome documented(const Part& part) {
  std::string missing;
  if (part.help.empty()) missing = "the part itself";
  for (const FieldDoc& field : part.schema.fields)
    if (field.help.empty()) missing += (missing.empty() ? "" : ", ") + field.name;
  return missing.empty() ? holds() : fails("no help text: " + missing);
}

}  // namespace

CapturedOutput::CapturedOutput() {
  flush_all();
  std::FILE* file = std::tmpfile();
  FACET_ASSERT(file, "no temporary file for captured output");
  file_ = dup(fileno(file));
  std::fclose(file);
  stdout_ = dup(STDOUT_FILENO);
  stderr_ = dup(STDERR_FILENO);
  dup2(file_, STDOUT_FILENO);
  dup2(file_, STDERR_FILENO);
}

CapturedOutput::~CapturedOutput() { finish(); }

std::string CapturedOutput::finish() {
  if (file_ < 0) return "";
  flush_all();
  dup2(stdout_, STDOUT_FILENO);
  dup2(stderr_, STDERR_FILENO);
  std::string text(static_cast<size_t>(lseek(file_, 0, SEEK_END)), '\0');
  const ssize_t got = pread(file_, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  for (int* descriptor : {&file_, &stdout_, &stderr_}) {
    close(*descriptor);
    *descriptor = -1;
  }
  return text;
}

Trial::Trial(const Part& part) : part_(part.kind + " " + part.name), plugin_(part.plugin) {
  property("documented", [&] { return documented(part); });
}

void Trial::property(const std::string& name, const std::function<Outcome()>& body) {
  Outcome outcome;
  try {
    outcome = call_plugin(plugin_, body);
  } catch (const std::exception& e) {
    outcome = fails(e.what());
  }
  findings_.push_back({part_, name, outcome.verdict, outcome.detail});
}

Findings Trial::finish() {
  const std::string said = captured_.finish();
  property("prints nothing", [&] {
    return said.empty()
               ? holds()
               : fails("wrote " + Value(said.substr(0, kShownOutput)).describe().substr(7));
  });
  return std::move(findings_);
}

}  // namespace facet
