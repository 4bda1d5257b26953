// facet repl: a prompt on a terminal, or lines from anything else.
#include "lua/repl.h"

#include <unistd.h>

#include <iostream>

#include "base/interrupt.h"
#include "cli/commands.h"
#include "cli/line_editor.h"
#include "facet/build.h"

namespace facet::cli {
namespace {

constexpr char kPrompt[] = "> ";
constexpr char kMorePrompt[] = ">> ";

// What a line gave, or what is wrong with it; true: the statement goes on.
bool feed(Repl& repl, const std::string& line) {
  try {
    const Repl::Reply reply = repl.feed(line);
    if (!reply.text.empty()) std::cout << reply.text << std::endl;
    return reply.more;
  } catch (const UserError& e) {
    for (const std::string& problem : e.problems()) std::cerr << problem << std::endl;
  } catch (const Stopped& e) {
    std::cerr << e.what() << std::endl;
  }
  return false;
}

void read_terminal(Repl& repl) {
  std::cout << "facet " << FACET_VERSION << ", Lua 5.4. run = facet.run { name = \"try\" } opens a "
            << "run; Tab completes, Ctrl-D ends" << std::endl;
  LineEditor editor(history_file(),
                    [&](const std::string& before) { return repl.completions(before); });
  bool more = false, cancelled = false;
  for (std::string line; editor.next(more ? kMorePrompt : kPrompt, line, cancelled);) {
    if (cancelled) {
      set_interrupted(false);
      repl.drop();
      more = false;
      std::cout << std::endl;
      continue;
    }
    more = feed(repl, line);
  }
  std::cout << std::endl;
}

void read_lines(Repl& repl) {
  bool more = false;
  for (std::string line; std::getline(std::cin, line);) more = feed(repl, line);
  if (more) std::cerr << "repl: the input ends within a statement\n";
}

}  // namespace

int repl(const RunRequest& request, const PluginPaths& plugin_paths) {
  Kernel kernel;
  load_kernel(kernel, plugin_paths);
  prepare_device(request);
  catch_interrupts();
  Repl session(kernel, request);
  if (::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0)
    read_terminal(session);
  else
    read_lines(session);
  const std::string folder = session.finish();
  if (!folder.empty() && !request.quiet)
    std::cerr << folder << ": done; script.lua there has the lines, no other session meets this "
              << "run again\n";
  return 0;
}

}  // namespace facet::cli
