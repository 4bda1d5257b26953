// The command go: its options.
#include "cli/command_groups.h"
#include "facet/stats.h"

namespace facet::cli {
namespace {

// Words of a list that commas separate, each one of `known`.
CLI::Validator words_of(const std::vector<std::string>& known) {
  return CLI::Validator(
      [known](const std::string& word) {
        if (std::find(known.begin(), known.end(), word) != known.end()) return std::string();
        std::string all;
        for (const std::string& one : known) all += (all.empty() ? "" : ", ") + one;
        return "\"" + word + "\", should be one of " + all;
      },
      "");
}

CLI::Option* word_list(CLI::Option* option) {
  return option->delimiter(',')->allow_extra_args(false);
}

}  // namespace

void add_go_command(CommandLine& line) {
  const auto asked = std::make_shared<GoRequest>();
  CLI::App* app = add_command(
      line, "go", "Find the terms of the Gene Ontology that stand out in lists of genes",
      "facet go study.txt --population genes.txt --gaf goa_human.gaf.gz --obo go-basic.obo --out "
      "terms.tsv",
      [asked] { return go(*asked); });
  app->add_option("STUDY", asked->studies, "Files with a gene a line; several: one more column")
      ->required();
  app->add_option("--population", asked->population,
                  "File with the genes that the studies are compared with, a gene a line")
      ->required();
  app->add_option("--gaf", asked->gaf, "Annotations, GAF 2.0 to 2.2; plain, .gz or .zst")
      ->required();
  app->add_option("--obo", asked->obo, "The ontology; plain, .gz or .zst")->required();
  app->add_option("--out", asked->out, "The table (default: the standard output)");
  word_list(app->add_option("--relationships", asked->relationships,
                            "What propagation follows beside is_a: part_of, regulates, ..."));
  app->add_flag("--no-propagate", asked->no_propagate, "Take the terms of the GAF file alone");
  std::vector<std::string> methods = corrections();
  methods.emplace_back("fdr");
  word_list(app->add_option("--methods", asked->methods, "Corrections, by their names in goatools"))
      ->check(words_of(methods))
      ->capture_default_str();
  word_list(app->add_option("--namespaces", asked->namespaces, "Whose terms are tested"))
      ->check(words_of({"BP", "MF", "CC"}))
      ->capture_default_str();
  app->add_option("--direction", asked->direction, "two_sided, enriched or purified")
      ->check(words_of({"two_sided", "enriched", "purified"}))
      ->capture_default_str();
  app->add_option("--scope", asked->scope,
                  "What a correction counts: the terms of each namespace, or of the study")
      ->check(words_of({"namespace", "study"}))
      ->capture_default_str();
  word_list(
      app->add_option("--evidence", asked->evidence, "Codes or groups that count: Experimental"));
  word_list(app->add_option("--without-evidence", asked->without_evidence,
                            "Codes or groups that do not: IEA"));
  app->add_option("--alpha", asked->alpha, "Of the corrections that depend on it")
      ->check(CLI::Range(1e-12, 1.0))
      ->capture_default_str();
  app->add_option("--pval", asked->pval, "Write terms of an uncorrected p below this; 2: all")
      ->capture_default_str();
  app->add_option("--min-overlap", asked->min_overlap,
                  "Refuse a study with a smaller share of its genes in the population")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app->add_option("--seed", asked->seed, "Of the random sets of the method fdr")
      ->capture_default_str();
}

}  // namespace facet::cli
