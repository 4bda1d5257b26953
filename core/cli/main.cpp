// The executable: reads the command line, calls one command, turns errors into text and exit codes.
#include <cstdio>
#include <exception>
#include <iostream>

#include "base/allocator.h"
#include "cli/commands.h"
#include "facet/error.h"

namespace {

// 0 done, 1 the user's mistake, 2 usage, 70 a bug, 75 stopped and resumable.
constexpr int kUser = 1;
constexpr int kBug = 70;
constexpr int kStopped = 75;

}  // namespace

int main(int argc, char** argv) {
  facet::keep_large_blocks();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // a script's print stands in a job's log as it happens
  try {
    return facet::cli::run_command_line(argc, argv);
  } catch (const facet::UserError& e) {
    for (const std::string& problem : e.problems()) std::cerr << problem << "\n";
    return kUser;
  } catch (const facet::Stopped& e) {
    std::cerr << e.what() << "\n";
    return kStopped;
  } catch (const std::exception& e) {
    std::cerr << "facet has a bug: " << e.what() << "\n";
    return kBug;
  }
}
