// Bodies of the readers of enriched terms.
#include "term_table.h"

#include <facet/error.h>
#include <facet/torch.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <regex>
#include <sstream>

using namespace facet;

namespace fs = std::filesystem;

namespace {

constexpr size_t kMostProblems = 10;

// Cells of a line; between quotes a comma is a letter, and "" a quote.
std::vector<std::string> cells_of(const std::string& line, char between) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (between == ',' && c == '"') {
      if (quoted && i + 1 < line.size() && line[i + 1] == '"')
        cells.back() += line[++i];
      else
        quoted = !quoted;
    } else if (c == between && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

// Where the columns stand.
struct Places {
  size_t latent = 0, term = 0, p = 0, columns = 0;
  std::optional<size_t> enrichment;
};

Places places_of(const std::vector<std::string>& header, const std::string& name) {
  const auto place = [&](auto&& fits) -> std::optional<size_t> {
    const auto found = std::find_if(header.begin(), header.end(), fits);
    if (found == header.end()) return std::nullopt;
    return static_cast<size_t>(found - header.begin());
  };
  const auto named = [&](const char* one, const char* other) {
    return place([&](const std::string& cell) { return cell == one || cell == other; });
  };
  const auto latent = named("latent", "Feature"), term = named("GO", "Term");
  auto p = named("pvalues", "pvalues");
  if (!p)
    p = place(
        [](const std::string& cell) { return cell.starts_with("p_") && cell != "p_uncorrected"; });
  std::vector<std::string> problems;
  const auto need = [&](bool there, const std::string& what) {
    if (!there) problems.push_back(name + ":1: no column " + what);
  };
  need(latent.has_value(), "\"latent\" (or \"Feature\")");
  need(term.has_value(), "\"GO\" (or \"Term\")");
  need(p.has_value(), "of a corrected p (\"p_bonferroni\", \"p_fdr_bh\", ... or \"pvalues\")");
  if (!problems.empty()) throw UserError(problems);
  return {*latent, *term, *p, header.size(), named("enrichment", "enrichment")};
}

std::optional<int64_t> latent_of(const std::string& text) {
  int64_t out = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  if (error != std::errc() || stop != end || out < 0) return std::nullopt;
  return out;
}

// A p that is too small for a number is 0.
std::optional<double> p_of(const std::string& text) {
  double out = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  if (stop != end || text.empty()) return std::nullopt;
  if (error == std::errc::result_out_of_range)
    return text.find("e-") == std::string::npos ? std::nullopt : std::optional(0.0);
  if (error != std::errc() || !(out >= 0 && out <= 1)) return std::nullopt;
  return out;
}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  if (!in) throw UserError(file.string() + ": cannot read");
  return bytes.str();
}

// (number, file) of each "feature12_goe.csv", ascending.
std::vector<std::pair<int64_t, fs::path>> feature_files(const fs::path& folder) {
  static const std::regex pattern("feature([0-9]+)_goe\\.csv");
  std::vector<std::pair<int64_t, fs::path>> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    std::smatch match;
    if (!std::regex_match(name, match, pattern)) continue;
    if (const auto number = latent_of(match[1].str())) files.emplace_back(*number, entry.path());
  }
  std::sort(files.begin(), files.end());
  if (files.empty())
    throw UserError(folder.string() + ": no file feature0_goe.csv, feature1_goe.csv, ... in it");
  return files;
}

}  // namespace

std::vector<EnrichedTerm> parse_terms(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  std::string line;
  const auto next = [&] {
    if (!std::getline(lines, line)) return false;
    if (line.ends_with('\r')) line.pop_back();
    return true;
  };
  if (!next()) throw UserError(name + ": empty, should start with a line of column names");
  const char between = line.find('\t') == std::string::npos ? ',' : '\t';
  const Places places = places_of(cells_of(line, between), name);

  std::vector<EnrichedTerm> out;
  std::vector<std::string> problems;
  for (size_t number = 2; next() && problems.size() < kMostProblems; ++number) {
    if (line.empty()) continue;
    const std::vector<std::string> cells = cells_of(line, between);
    const std::string where = name + ":" + std::to_string(number) + ": ";
    if (cells.size() != places.columns) {
      problems.push_back(where + std::to_string(cells.size()) + " cells, should be " +
                         std::to_string(places.columns));
      continue;
    }
    const auto latent = latent_of(cells[places.latent]);
    const auto p = p_of(cells[places.p]);
    if (!latent)
      problems.push_back(where + "latent: is \"" + cells[places.latent] +
                         "\", should be a whole number from 0");
    if (!p)
      problems.push_back(where + "p: is \"" + cells[places.p] +
                         "\", should be a number between 0 and 1");
    const bool enriched = !places.enrichment || cells[*places.enrichment] != "p";
    if (latent && p) out.push_back({*latent, cells[places.term], *p, enriched});
  }
  if (!problems.empty()) throw UserError(problems);
  return out;
}

std::vector<EnrichedTerm> load_terms(const fs::path& path) {
  if (!fs::is_directory(path)) return parse_terms(bytes_of(path), path.string());
  std::vector<EnrichedTerm> out;
  for (const auto& [number, file] : feature_files(path)) {
    const std::vector<EnrichedTerm> terms = parse_terms(bytes_of(file), file.string());
    out.insert(out.end(), terms.begin(), terms.end());
  }
  return out;
}
