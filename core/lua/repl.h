// Lua line by line, with facet loaded: what a prompt needs, without any terminal.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "run/kernel.h"

namespace facet {

/// One session at a prompt. Names that a line declares `local` are kept as globals, so that the
/// next line has them. A run that is opened here is a run of this session alone: its id is never
/// met again, and its script.lua is the session's lines.
class Repl {
 public:
  Repl(Kernel& kernel, const RunRequest& request);
  ~Repl();
  Repl(const Repl&) = delete;
  Repl& operator=(const Repl&) = delete;

  /// What came of a line.
  struct Reply {
    bool more = false;  ///< the statement goes on in the next line
    std::string text;   ///< values of an expression, tab separated; "" when there are none
  };
  /// Runs a line, or takes it as the next part of the statement under way. UserError when it is
  /// wrong; Stopped when it was interrupted. The session goes on after both. A Bug ends it.
  Reply feed(const std::string& line);
  /// Forgets the statement under way.
  void drop();
  /// Ends the run that was opened, if any; its folder, or "". Called once.
  std::string finish();

  /// The words that may stand where `text` ends: globals, and fields of what stands before the last
  /// dot or colon ("run:enc" gives "run:encode"). Calls nothing.
  std::vector<std::string> completions(const std::string& text) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace facet
