// Fields of go_enrichment, its profiles, and the tests they stand for.
#include "params.h"

#include <facet/table.h>

#include <algorithm>
#include <map>

using namespace facet;

namespace {

using Presets = std::map<std::string, Value>;

Presets profiles() {
  return {{"goatools", Value(Value::Table{})},
          {"clusterprofiler", Value(Value::Table{{"population", "annotated"},
                                                 {"direction", "enriched"},
                                                 {"correction", "fdr_bh"},
                                                 {"hit_terms_only", true},
                                                 {"least_term", 10},
                                                 {"most_term", 500}})},
          {"rep_saes", Value(Value::Table{{"scope", "latent"}, {"row_slip", true}})}};
}

std::vector<std::string> method_names() {
  std::vector<std::string> out = corrections();
  out.emplace_back("fdr");
  return out;
}

std::string namespace_problem(const GoParams& p) {
  for (const std::string& name : p.namespaces)
    if (name != "BP" && name != "MF" && name != "CC")
      return "namespaces: has \"" + name + "\", should be of BP, MF, CC";
  return p.namespaces.empty() ? "namespaces: is empty, should be of BP, MF, CC" : "";
}

void add_gene_fields(Schema<GoParams>& schema) {
  schema
      .field("gaf", &GoParams::gaf, "GAF file of annotations, 2.0 to 2.2; plain, .gz or .zst.",
             required, input_path)
      .field("obo", &GoParams::obo, "OBO file of the Gene Ontology; plain, .gz or .zst.", required,
             input_path)
      .field("profile", &GoParams::profile,
             "Whose rules: goatools', clusterProfiler's, or those of the script evals_goe.py of "
             "Rep_SAEs_PLMs; keys that are set win.",
             one_of({"goatools", "clusterprofiler", "rep_saes"}))
      .presets("profile", profiles())
      .field("propagate", &GoParams::propagate,
             "A gene has every term above its own; false: those of the file alone.")
      .field("relationships", &GoParams::relationships,
             "What propagation follows beside is_a: part_of, regulates, negatively_regulates, "
             "positively_regulates.")
      .field("evidence", &GoParams::evidence,
             "Evidence codes (IDA) or groups (Experimental) that count; none: all.")
      .field("without_evidence", &GoParams::without_evidence,
             "Evidence codes or groups that do not count (IEA).")
      .field("keep_not", &GoParams::keep_not, "Lines that say a gene has a term NOT count, too.")
      .field("keep_nd", &GoParams::keep_nd, "Lines without biological data (ND) count, too.")
      .field("organism", &GoParams::organism,
             "Only rows whose organism (in the description, after OS=) contains this; empty: all.")
      .field("clusters", &GoParams::clusters,
             "A table without head, cluster and gene in each line (as mmseqs writes it): clusters "
             "are counted in place of genes, so that a family counts once.",
             input_path);
}

void add_set_fields(Schema<GoParams>& schema) {
  schema
      .field("set_rule", &GoParams::set_rule,
             "The genes of a latent: all where it is above 0 (nonzero), or above 0 and among those "
             "of at least `fraction` of its largest value, the `top` strongest, or above its "
             "`quantile` over all genes.",
             one_of({"nonzero", "fraction_of_max", "top", "quantile"}))
      .field("fraction", &GoParams::fraction, "Of the latent's largest value.", between(0, 1))
      .field("top", &GoParams::top, "Strongest genes; ties by id.", at_least(1), unit("genes"))
      .field("quantile", &GoParams::quantile,
             "Share of all genes on which the latent is weaker, those at 0 included.",
             between(0, 1))
      .field("row_slip", &GoParams::row_slip,
             "With `organism`: takes the i-th row of the organism for the i-th row of all, as the "
             "published script does by mistake; part of profile rep_saes.")
      .field("least_genes", &GoParams::least_genes, "Latents with fewer genes are not tested.",
             at_least(1), unit("genes"));
}

void add_test_fields(Schema<GoParams>& schema) {
  schema
      .field("population", &GoParams::population,
             "What a latent's genes are compared with: the genes of all rows, or those of them "
             "that have a term of the namespace (each namespace then has its own size).",
             one_of({"rows", "annotated"}))
      .field("namespaces", &GoParams::namespaces,
             "Whose terms are tested: BP (biological process), MF (molecular function), CC "
             "(cellular component).")
      .field("direction", &GoParams::direction,
             "Fisher's test: terms that are more or less frequent than in the population, or only "
             "more (enriched), or only less (purified).",
             one_of({"two_sided", "enriched", "purified"}))
      .field("correction", &GoParams::correction,
             "For many tests, by its name in goatools: its own bonferroni, sidak, holm, fdr, or "
             "statsmodels' sm_bonferroni, fdr_bh, ...",
             one_of(method_names()))
      .field("scope", &GoParams::scope,
             "The tests that a correction counts: those of one latent, of one latent and "
             "namespace, or all.",
             one_of({"latent", "namespace", "global"}))
      .field("alpha", &GoParams::alpha, "A corrected p below this is significant.", between(0, 1))
      .field("least_term", &GoParams::least_term,
             "Terms with fewer genes in the population are not tested.", at_least(1), unit("genes"))
      .field("most_term", &GoParams::most_term, "Nor are those with more; 0: no bound.",
             at_least(0), unit("genes"))
      .field("hit_terms_only", &GoParams::hit_terms_only,
             "Only terms that a gene of the latent has are tested, and counted by corrections.")
      .field("elim", &GoParams::elim,
             "A term that is significant by itself takes its genes from the terms above it "
             "(topGO's elim); needs direction = \"enriched\".")
      .field("elim_cutoff", &GoParams::elim_cutoff, "The p at which it does.", between(0, 1));
}

void add_extra_fields(Schema<GoParams>& schema) {
  schema
      .field("permutations", &GoParams::permutations,
             "Random gene sets for each latent, as large and as long, whose smallest p gives each "
             "term its p_permutation; 0: none.",
             at_least(0))
      .field("length_strata", &GoParams::length_strata,
             "Classes of sequence length, of equal numbers of genes, within which random sets are "
             "drawn and labels permuted; 1: length does not matter.",
             at_least(1))
      .field("auroc", &GoParams::auroc,
             "How well each latent ranks the genes of its terms before the others.")
      .field("permuted_baseline", &GoParams::permuted_baseline,
             "The same tests once more with the genes' names permuted within classes of length: "
             "what chance gives.")
      .field("genes_listed", &GoParams::genes_listed,
             "Genes named in each row of go_terms.tsv, strongest first; 0: all.", at_least(0),
             unit("genes"))
      .check(namespace_problem)
      .check([](const GoParams& p) -> std::string {
        if (!p.elim) return "";
        if (p.direction != "enriched")
          return "elim: finds enriched terms, should be with direction = \"enriched\"";
        if (p.scope == "global") return "elim: corrects within a latent, not scope = \"global\"";
        return p.propagate ? "" : "elim: takes genes from terms above, should be with propagate";
      })
      .check([](const GoParams& p) -> std::string {
        const bool stray = p.scope == "global" && p.population == "annotated";
        return stray ? "scope: \"global\" is over one population, should be with population = "
                       "\"rows\""
                     : "";
      });
}

}  // namespace

Schema<GoParams> go_schema() {
  Schema<GoParams> schema;
  add_gene_fields(schema);
  add_set_fields(schema);
  add_test_fields(schema);
  add_extra_fields(schema);
  return schema;
}

std::vector<Aspect> aspects_of(const std::vector<std::string>& names) {
  std::vector<Aspect> out;
  for (const Aspect aspect : kAspects)
    if (std::find(names.begin(), names.end(), short_name(aspect)) != names.end())
      out.push_back(aspect);
  return out;
}

EnrichmentHow how_of(const GoParams& p, uint64_t seed) {
  EnrichmentHow how;
  how.tail = p.direction == "enriched"   ? Tail::greater
             : p.direction == "purified" ? Tail::less
                                         : Tail::two_sided;
  how.methods = {p.correction};
  how.scope = p.scope == "latent"   ? Scope::set
              : p.scope == "global" ? Scope::global
                                    : Scope::aspect;
  how.alpha = p.alpha;
  how.aspects = aspects_of(p.namespaces);
  how.hit_terms_only = p.hit_terms_only;
  how.least = p.least_term;
  how.most = p.most_term;
  how.elim = p.elim;
  how.elim_cutoff = p.elim_cutoff;
  how.permutations = p.permutations;
  how.seed = seed;
  return how;
}

std::string test_text(const GoParams& p) {
  const std::string tail =
      p.direction == "two_sided" ? "two-sided" : "one-sided (" + p.direction + ")";
  const std::string scope = p.scope == "latent"   ? "the terms of each latent"
                            : p.scope == "global" ? "all latents and terms"
                                                  : "the terms of each latent and namespace";
  return tail + " Fisher test, " + p.correction + " over " + scope +
         (p.hit_terms_only ? " that it hits" : "") + ", alpha " + for_eyes(p.alpha) +
         (p.elim ? ", elim" : "") + "; population: " +
         (p.population == "rows" ? "genes of all rows" : "annotated genes of each namespace");
}
