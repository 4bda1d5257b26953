// The commands around rows and SAEs: activations, encode, sae show, export and diff, inspect.
#include "cli/command_groups.h"

namespace facet::cli {
namespace {

struct RowOptions {
  ActivationsRequest activations;
  EncodeRequest encode;
  InspectRequest inspect;
  DiffRequest diff;
  std::filesystem::path shown, exported, to;
};

constexpr char kSetHost[] = "KEY=VALUE of the host, for instance host.dtype=bf16 (repeatable)";

void add_activations(CommandLine& line, const std::shared_ptr<RowOptions>& options) {
  ActivationsRequest& asked = options->activations;
  CLI::App* app = add_command(
      line, "activations", "Write rows of a host into a safetensors file",
      "facet activations --host esm2 --weights models/esm2_mini --input proteins.fasta.gz "
      "--hookpoints layers.4 --out rows.safetensors",
      [&line, options] {
        return activations(line.request, options->activations, line.plugin_paths);
      });
  app->add_option("--host", asked.host.type, "Type of the host, as in `facet list`")->required();
  app->add_option("--weights", asked.host.weights, "Folder of the host's weights");
  app->add_option("--input", asked.host.input,
                  "Sequences: .fasta, .fa, .faa, .fna, .tsv, .jsonl or .txt, plain, .gz or .zst")
      ->required();
  app->add_option("--hookpoints", asked.hookpoints, "Name, glob or range: \"layers.{2..4}\"")
      ->required();
  app->add_option("--rows", asked.rows, "content leaves out tokens that the host added; or all")
      ->capture_default_str();
  app->add_option("--pool", asked.pool, "none, or mean or max: one row a sequence")
      ->capture_default_str();
  app->add_option("--out", asked.out, "The file that is written")->required();
  repeatable(app->add_option("--set", asked.host.sets,
                             "KEY=VALUE of host, data or activations, for instance "
                             "data.max_length=1022 (repeatable)"));
}

void add_encode(CommandLine& line, const std::shared_ptr<RowOptions>& options) {
  EncodeRequest& asked = options->encode;
  CLI::App* app = add_command(
      line, "encode", "Write an SAE's codes of a file's rows, as CSR",
      "facet encode --sae runs/quickstart/ID/sae --in rows.safetensors --out codes.safetensors",
      [&line, options] { return encode(options->encode, line.plugin_paths); });
  app->add_option("--sae", asked.sae, "Folder of the SAE")->required();
  app->add_option("--in", asked.in, "Rows, as `facet activations` writes them")->required();
  app->add_option("--tensor", asked.tensor, "The rows' tensor (default: the SAE's hookpoint)");
  app->add_option("--out", asked.out, "The file that is written")->required();
  app->add_flag("--reconstruct", asked.reconstruct, "Write the rows as the SAE gives them back");
}

void add_inspect(CommandLine& line, const std::shared_ptr<RowOptions>& options) {
  InspectRequest& asked = options->inspect;
  CLI::App* app = add_command(
      line, "inspect", "Show the strongest latents of each token of a sequence or text",
      "facet inspect --sae runs/quickstart/ID/sae --weights models/esm2_mini MKTAYIAKQR",
      [&line, options] { return inspect(line.request, options->inspect, line.plugin_paths); });
  app->add_option("--sae", asked.sae, "Folder of the SAE")->required();
  app->add_option("--weights", asked.weights, "Folder of the host's weights");
  app->add_option("--hookpoint", asked.hookpoint,
                  "For an SAE of another program: where its rows are taken");
  app->add_option("--top", asked.top, "Latents shown of each token")
      ->check(from_one())
      ->capture_default_str();
  app->add_option("--rows", asked.rows,
                  "content, or all: tokens that the host added and pads too (default: those that "
                  "the SAE was trained on)");
  repeatable(app->add_option("--set", asked.sets, kSetHost));
  app->add_option("SEQUENCE", asked.sequence, "The sequence or text itself")->required();
}

void add_diff(CommandLine& line, const std::shared_ptr<RowOptions>& options) {
  CLI::App* app = add_command(
      line, "sae diff", "Show how many latents two SAEs share, and how they were made otherwise",
      "facet sae diff runs/seed1/ID runs/seed2/ID --out pairs.tsv",
      [&line, options] { return diff_saes(options->diff, line.plugin_paths); });
  app->add_option("A", options->diff.a, "Folder of an SAE, or of its run")->required();
  app->add_option("B", options->diff.b, "Folder of another, with a decoder as wide")->required();
  app->add_option("--out", options->diff.out, "A table of all pairs, tab separated");
}

}  // namespace

void add_row_commands(CommandLine& line) {
  const auto options = std::make_shared<RowOptions>();
  add_activations(line, options);
  add_encode(line, options);
  add_command(line, "sae", "Look at a trained SAE", "", nullptr)->require_subcommand(1);
  add_command(line, "sae show", "Print what a folder says of its SAE",
              "facet sae show runs/quickstart/ID/sae",
              [options] { return show_sae(options->shown); })
      ->add_option("FOLDER", options->shown, "Folder of the SAE")
      ->required();
  CLI::App* app = add_command(
      line, "sae export", "Write a trained SAE for other programs, its normaliser in the weights",
      "facet sae export runs/quickstart/ID/sae mysae", [&line, options] {
        return export_sae_folder(options->exported, options->to, line.plugin_paths);
      });
  app->add_option("FOLDER", options->exported, "Folder of the SAE, or of its run")->required();
  app->add_option("OUT", options->to, "Where the new folder goes")->required();
  add_diff(line, options);
  add_inspect(line, options);
}

}  // namespace facet::cli
