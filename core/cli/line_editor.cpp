// Bodies of the line editor, over libedit.
#include "cli/line_editor.h"

#include <histedit.h>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace facet::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kRemembered = 2000;  // lines

// What all candidates have in common.
std::string common_begin(const std::vector<std::string>& words) {
  std::string out = words.front();
  for (const std::string& word : words)
    out.resize(static_cast<size_t>(
        std::mismatch(out.begin(), out.end(), word.begin(), word.end()).first - out.begin()));
  return out;
}

// The library has C callbacks: its client data is the State.
template <class T>
T& client_of(EditLine* editor) {
  void* data = nullptr;
  el_get(editor, EL_CLIENTDATA, &data);
  return *static_cast<T*>(data);
}

}  // namespace

struct LineEditor::State {
  EditLine* editor = nullptr;
  History* history = nullptr;
  fs::path file;
  std::string prompt;
  Complete complete;

  unsigned char complete_here() {
    const LineInfo* line = el_line(editor);
    const std::string before(line->buffer, line->cursor);
    const std::vector<std::string> words = complete(before);
    if (words.empty()) return CC_REFRESH_BEEP;
    const size_t typed = overlap(before, common_begin(words));
    const std::string rest = common_begin(words).substr(typed);
    if (!rest.empty()) return el_insertstr(editor, rest.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    if (words.size() == 1) return CC_REFRESH;
    std::fputc('\n', stdout);
    for (const std::string& word : words) std::printf("%s  ", word.c_str());
    std::fputc('\n', stdout);
    return CC_REDISPLAY;
  }

 private:
  // The longest begin of `word` that `before` ends with.
  static size_t overlap(const std::string& before, const std::string& word) {
    for (size_t n = std::min(before.size(), word.size()); n > 0; --n)
      if (before.ends_with(word.substr(0, n))) return n;
    return 0;
  }
};

LineEditor::LineEditor(fs::path history, Complete complete) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.file = std::move(history);
  s.complete = std::move(complete);
  std::setlocale(LC_CTYPE, "");  // letters of more than one byte; numbers stay as C writes them
  s.editor = el_init("facet", stdin, stdout, stderr);
  s.history = history_init();
  HistEvent event;
  ::history(s.history, &event, H_SETSIZE, kRemembered);
  ::history(s.history, &event, H_SETUNIQUE, 1);
  if (!s.file.empty()) ::history(s.history, &event, H_LOAD, s.file.c_str());
  el_set(s.editor, EL_CLIENTDATA, &s);
  el_set(s.editor, EL_PROMPT, static_cast<char* (*)(EditLine*)>([](EditLine* editor) {
           return client_of<State>(editor).prompt.data();
         }));
  el_set(s.editor, EL_EDITOR, "emacs");
  el_set(s.editor, EL_SIGNAL, 0);
  el_set(s.editor, EL_HIST, ::history, s.history);
  el_set(s.editor, EL_ADDFN, "facet-complete", "Complete the word",
         static_cast<unsigned char (*)(EditLine*, int)>(
             [](EditLine* editor, int) { return client_of<State>(editor).complete_here(); }));
  el_set(s.editor, EL_BIND, "^I", "facet-complete", nullptr);
  el_source(s.editor, nullptr);
}

LineEditor::~LineEditor() {
  State& s = *state_;
  if (!s.file.empty()) {
    std::error_code error;
    fs::create_directories(s.file.parent_path(), error);
    HistEvent event;
    ::history(s.history, &event, H_SAVE, s.file.c_str());  // a history that is lost harms nothing
  }
  history_end(s.history);
  el_end(s.editor);
}

bool LineEditor::next(const std::string& prompt, std::string& line, bool& cancelled) {
  State& s = *state_;
  s.prompt = prompt;
  cancelled = false;
  int length = 0;
  const char* text = el_gets(s.editor, &length);
  if (!text || length <= 0) {
    cancelled = length < 0;  // a signal cut the reading
    return cancelled;
  }
  line.assign(text, static_cast<size_t>(length));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  HistEvent event;
  if (!line.empty()) ::history(s.history, &event, H_ENTER, line.c_str());
  return true;
}

fs::path history_file() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state)
    return fs::path(state) / "facet" / "repl_history";
  if (const char* home = std::getenv("HOME"); home && *home)
    return fs::path(home) / ".local" / "state" / "facet" / "repl_history";
  return {};
}

}  // namespace facet::cli
