// LineEditor: lines from a terminal with history and completion; the only file that sees its
// library is line_editor.cpp.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace facet::cli {

/// The words that may stand where the text before the cursor ends, each from the begin of the word.
using Complete = std::function<std::vector<std::string>(const std::string& before)>;

class LineEditor {
 public:
  /// `history` may not exist yet; its folder is made.
  LineEditor(std::filesystem::path history, Complete complete);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  /// False at the end of the input (Ctrl-D). `cancelled`: the line was given up with Ctrl-C.
  bool next(const std::string& prompt, std::string& line, bool& cancelled);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// $XDG_STATE_HOME/facet/repl_history, or ~/.local/state/facet/repl_history; "" without a home.
std::filesystem::path history_file();

}  // namespace facet::cli
