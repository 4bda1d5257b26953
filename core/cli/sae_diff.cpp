// facet sae diff: which latents two SAEs share.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>

#include "base/files.h"
#include "cli/commands.h"
#include "facet/table.h"
#include "schema/toml_text.h"
#include "train/latent_match.h"
#include "train/sae_folder.h"

namespace facet::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kName = 19;  // width of the first column
constexpr double kShares[] = {0.7, 0.9};

struct Side {
  fs::path folder;
  LoadedSae loaded;
  LatentDirections latents;
};

Side side_of(const fs::path& given, const Registry& registry) {
  Side out{sae_folder_of(given), {}, {}};
  out.loaded = load_sae(out.folder, registry);
  out.latents = directions_of(*out.loaded.sae, out.loaded.record.shape);
  for (const auto& [name, value] : out.loaded.sae->params())
    if (!value.isfinite().all().item<bool>())
      throw UserError(out.folder.string() + ": " + name + ": is not finite");
  return out;
}

void flatten(const std::string& prefix, const Value& value,
             std::vector<std::pair<std::string, std::string>>& out) {
  if (const auto* table = value.as<Value::Table>())
    for (const auto& [key, member] : *table)
      flatten(prefix.empty() ? key : prefix + "." + key, member, out);
  else
    out.emplace_back(prefix, toml_literal(value));
}

// What says how an SAE came about, name by name.
std::map<std::string, std::string> facts_of(const SaeRecord& record) {
  Value facts = to_value(record);
  for (const char* key : {"format", "run", "stream_key", "normaliser_state"})
    facts.as<Value::Table>()->erase(key);
  std::vector<std::pair<std::string, std::string>> out;
  flatten("", facts, out);
  return {out.begin(), out.end()};
}

void show_differences(const SaeRecord& a, const SaeRecord& b) {
  auto of_a = facts_of(a), of_b = facts_of(b);
  std::vector<std::string> lines;
  for (const auto& [name, text] : of_a) of_b.try_emplace(name, "-");
  for (const auto& [name, text] : of_b) {
    const std::string& other = of_a.try_emplace(name, "-").first->second;
    if (other != text)
      lines.push_back("  " + name + std::string(kName - std::min(kName, name.size()), ' ') + other +
                      " | " + text);
  }
  std::cout << (lines.empty() ? "made alike, the seed too\n" : "differences, a | b\n");
  for (const std::string& line : lines) std::cout << line << "\n";
}

double mean(const std::vector<double>& all) {
  double sum = 0;
  for (const double one : all) sum += one;
  return all.empty() ? 0 : sum / static_cast<double>(all.size());
}

std::string share_above(const std::vector<double>& all, double least) {
  std::vector<double> above;
  for (const double one : all) above.push_back(one > least ? 100.0 : 0.0);
  return for_eyes(mean(above)) + " %";
}

void figure_line(const std::string& name, const std::vector<std::string>& cells) {
  std::string text = "  " + name + std::string(kName - std::min(kName, name.size()), ' ');
  for (const std::string& cell : cells)
    text += cell + std::string(10 - std::min<size_t>(10, cell.size()), ' ');
  std::cout << text.substr(0, text.find_last_not_of(' ') + 1) << "\n";
}

void show_nearest(const LatentMatch& match) {
  std::cout << "the nearest latent of the other, by cosine of decoder rows\n";
  figure_line("", {"a in b", "b in a"});
  figure_line("latents",
              {std::to_string(match.a_in_b.size()), std::to_string(match.b_in_a.size())});
  figure_line("mean cosine", {for_eyes(mean(match.a_in_b)), for_eyes(mean(match.b_in_a))});
  for (const double least : kShares)
    figure_line("above " + for_eyes(least),
                {share_above(match.a_in_b, least), share_above(match.b_in_a, least)});
}

void show_pairs(const LatentMatch& match) {
  std::vector<double> decoder, encoder;
  for (const LatentPair& pair : match.pairs) {
    decoder.push_back(std::abs(pair.decoder));
    encoder.push_back(pair.encoder);
  }
  std::cout << "one to one, "
            << (match.best ? "so that the sum of |cosine| is largest (Hungarian method)\n"
                           : "the pair of the largest |cosine| first (greedy: the best pairing of "
                             "so many latents takes too long)\n");
  figure_line("pairs", {std::to_string(decoder.size())});
  figure_line("mcc", {for_eyes(mean(decoder)), "mean |cosine| of the decoder rows of the pairs"});
  for (const double least : kShares)
    figure_line("above " + for_eyes(least), {share_above(decoder, least)});
  if (encoder.empty() || std::isnan(encoder.front()))
    figure_line("encoder cosine", {"not known: not both have a W_enc [d_in, d_sae] of one width"});
  else
    figure_line("encoder cosine", {for_eyes(mean(encoder)), "mean of the pairs"});
  figure_line("without a partner", {"a " + std::to_string(match.a_in_b.size() - decoder.size()),
                                    "b " + std::to_string(match.b_in_a.size() - decoder.size())});
}

void write_pairs(const fs::path& file, const LatentMatch& match) {
  Table table({{"latent_a", "latent of the first SAE"},
               {"latent_b", "its partner in the second"},
               {"cosine_decoder", "cosine of their rows of W_dec"},
               {"cosine_encoder", "cosine of their columns of W_enc; NaN where not known"}});
  for (const LatentPair& pair : match.pairs)
    table.add({pair.a, pair.b, pair.decoder, pair.encoder});
  write_file(file, emit_tsv(table));
  std::cout << file.string() << ": " << match.pairs.size() << " pairs\n";
}

}  // namespace

int diff_saes(const DiffRequest& asked, const PluginPaths& plugin_paths) {
  Kernel kernel;
  load_kernel(kernel, plugin_paths);
  const Side a = side_of(asked.a, kernel.registry), b = side_of(asked.b, kernel.registry);
  const int64_t width = a.latents.decoder.size(1), other = b.latents.decoder.size(1);
  if (width != other)
    throw UserError(b.folder.string() + ": its decoder is " + std::to_string(other) +
                    " wide, should be " + std::to_string(width) + " as that of " +
                    a.folder.string());
  std::cout << "a " << a.folder.string() << "\nb " << b.folder.string() << "\n";
  show_differences(a.loaded.record, b.loaded.record);
  const LatentMatch match = match_latents(a.latents, b.latents);
  show_nearest(match);
  show_pairs(match);
  if (!asked.out.empty()) write_pairs(asked.out, match);
  return 0;
}

}  // namespace facet::cli
