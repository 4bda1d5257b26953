// Completion: the words that may come next, and the scripts that ask for them.
#include <algorithm>
#include <set>

#include "cli/command_groups.h"
#include "run/manifest.h"

namespace facet::cli {
namespace {

constexpr char kBash[] = R"(# Completion of facet for bash.
_facet() {
  local word=${COMP_WORDS[COMP_CWORD]} line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("$line")
  done < <("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _facet facet
)";

constexpr char kZsh[] = R"(#compdef facet
# Completion of facet for zsh.
_facet() {
  local -a found
  found=("${(@f)$("${words[1]}" complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "${found[1]}" ]]; then
    compadd -a found
  else
    _files
  fi
}
compdef _facet facet
)";

constexpr char kFish[] = R"(# Completion of facet for fish.
function __facet_complete
  set -l before (commandline -opc)
  set -l word (commandline -ct)
  $before[1] complete $before[2..-1] "$word" 2>/dev/null
end
complete -c facet -a '(__facet_complete)'
)";

// Where the words stand: the command that was named, and how many words of its own there were.
struct Place {
  const CLI::App* command;
  const CLI::Option* option = nullptr;  // it waits for its value
  std::vector<std::string> own;         // plain words behind the command
};

// An option of the command or of one above it.
const CLI::Option* option_of(const CLI::App* command, const std::string& word) {
  for (; command; command = command->get_parent())
    if (const CLI::Option* option = command->get_option_no_throw(word)) return option;
  return nullptr;
}

const CLI::App* nested(const CLI::App& command, const std::string& word) {
  for (const CLI::App* one : command.get_subcommands([](const CLI::App*) { return true; }))
    if (one->get_name() == word) return one;
  return nullptr;
}

Place place_of(const CLI::App& app, const std::vector<std::string>& words) {
  Place place{&app, nullptr, {}};
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (place.option) {
      place.option = nullptr;
    } else if (words[i].starts_with("-")) {
      const CLI::Option* option = option_of(place.command, words[i]);
      place.option = option && option->get_items_expected_max() > 0 ? option : nullptr;
    } else if (const CLI::App* command =
                   place.own.empty() ? nested(*place.command, words[i]) : nullptr) {
      place.command = command;
    } else {
      place.own.push_back(words[i]);
    }
  }
  return place;
}

std::vector<std::string> parts_of_kind(const CommandLine& line, const std::string& kind) {
  Kernel kernel;
  load_kernel(kernel, line.plugin_paths);
  std::vector<std::string> out;
  for (const Part* part : kernel.registry.parts())
    if (part->kind == kind) out.push_back(part->name);
  return out;
}

std::vector<std::string> values_of(const CommandLine& line, const CLI::Option& option) {
  const std::string name = option.get_name();
  if (name == "--host") return parts_of_kind(line, "host");
  if (name == "--rows") return {"content", "all"};
  if (name == "--pool") return {"none", "mean", "max"};
  if (name == "--device") return {"cpu", "cuda"};
  return {};  // a file or a number: the shell's own business
}

std::vector<std::string> options_of(const CLI::App* command) {
  std::set<std::string> names;
  for (; command; command = command->get_parent())
    for (const CLI::Option* option : command->get_options())
      for (const std::string& name : option->get_lnames()) names.insert("--" + name);
  return {names.begin(), names.end()};
}

std::vector<std::string> plain_words(const CommandLine& line, const Place& place) {
  std::vector<std::string> out;
  const std::string command = place.command->get_name();
  for (const CLI::App* one : place.command->get_subcommands(
           [](const CLI::App* app) { return !app->get_group().empty(); }))
    out.push_back(one->get_name());
  if (command == "completion" && place.own.empty()) return {"bash", "zsh", "fish"};
  if (command == "help" && place.own.empty()) return help_topics();
  if (command == "help" && place.own.size() == 1) return parts_of_kind(line, place.own[0]);
  return out;
}

}  // namespace

std::vector<std::string> completions(const CommandLine& line,
                                     const std::vector<std::string>& words) {
  const std::string word = words.empty() ? "" : words.back();
  const Place place = place_of(line.app, words);
  std::vector<std::string> out;
  if (place.option)
    out = values_of(line, *place.option);
  else if (word.starts_with("-"))
    out = options_of(place.command);
  else
    out = plain_words(line, place);
  std::erase_if(out, [&](const std::string& one) { return !one.starts_with(word); });
  return out;
}

std::string completion_script(const std::string& shell) {
  return shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish;
}

}  // namespace facet::cli
