// Extract: embeddings, codes and a table of the proteins as Rep_SAEs_PLMs' later scripts read them.
// Source: Gujral et al. 2025, PNAS 122(34) e2506316122; Rep_SAEs_PLMs de2b02f,
// numpy_store_results.py of both folders.
#include <facet/plugin.h>
#include <facet/torch.h>

#include <algorithm>
#include <cctype>

#include "arrays.h"
#include "metadata.h"

using namespace facet;

namespace {

constexpr int64_t kBlockRows = 4096;  // read at once
constexpr char kFolder[] = "rep_saes/";

struct ExtractParams {
  std::string layout = "pooling";
  std::string time = "00000000_000000";
  std::string ckpt = "sae";
  int64_t max_samples = 0;
  double largest_file = 2;
  MetadataColumns columns;
};

std::string name_problem(const ExtractParams& p) {
  for (const auto& [field, word] : {std::pair("time", p.time), {"ckpt", p.ckpt}})
    if (word.empty() || !std::all_of(word.begin(), word.end(), [](unsigned char c) {
          return std::isalnum(c) || c == '.' || c == '_' || c == '-' || c == '=';
        }))
      return std::string(field) + ": is \"" + word +
             "\", should be letters, digits and . _ - = only: it is part of file names";
  return "";
}

Schema<ExtractParams> schema() {
  return Schema<ExtractParams>()
      .field("layout", &ExtractParams::layout,
             "pooling: POOLING_* files, the k latents of each protein as indices and values; "
             "meanpool: MEANPOOL_* files, for codes of residues that were pooled after the SAE, a "
             "dense matrix.",
             one_of({"pooling", "meanpool"}))
      .field("time", &ExtractParams::time,
             "Stands behind `time` in the names of the files; there the clock's.")
      .field("ckpt", &ExtractParams::ckpt,
             "Stands behind `ckpt` in the names; there the checkpoint's name.")
      .field("max_samples", &ExtractParams::max_samples,
             "Stands behind `maxsamples` in the names; there the option, not the number of rows. "
             "0: the number of rows.",
             at_least(0))
      .field("largest_file", &ExtractParams::largest_file,
             "Larger files are refused, since each is made in memory. The dense matrix has 8 bytes "
             "for each protein and latent: 7.5 GiB for 50,000 of 20,000.",
             above(0), unit("GiB"))
      .field("columns", &ExtractParams::columns,
             "Columns of the data behind the cells of the table.", metadata_columns_schema())
      .check(name_problem);
}

[[noreturn]] void refuse(const std::string& what) { throw UserError("extract: " + what); }

// What a row of the stream is.
enum class RowIs { protein = 1, residue };

// Fills an array with the mean row of each protein that has codes.
class ProteinMeans {
 public:
  ProteinMeans(NpyArray& out, const CodesReader& codes, int64_t width, RowIs row)
      : out_(out),
        sequence_(codes.ids().sequence.to(torch::kInt64).contiguous()),
        width_(width),
        row_(row),
        sum_(torch::zeros({width}, torch::kFloat64)) {}

  int64_t finished() const { return at_; }

  // x [n, points, d] of the next rows; the first point counts.
  void add(const Rows& rows) {
    const Tensor x = rows.x.select(1, 0).detach().to(torch::kCPU, torch::kFloat64);
    const Tensor numbers = rows.sequence.to(torch::kInt64).contiguous();
    for (int64_t i = 0; i < rows.size(); ++i) {
      const int64_t sequence = numbers.const_data_ptr<int64_t>()[i];
      if (summed_ > 0 && sequence != wanted()) finish_row();
      if (at_ == sequence_.size(0) || sequence != wanted())
        refuse("sequence " + std::to_string(sequence) + " has rows, but no codes");
      if (row_ == RowIs::protein && summed_ > 0)
        refuse(
            "these codes were pooled from rows of residues: layout = \"meanpool\" writes them; "
            "or set activations.pool = \"mean\" for an SAE of proteins");
      sum_ += x[i];
      ++summed_;
    }
  }

  void finish() {
    if (summed_ > 0) finish_row();
    if (at_ != sequence_.size(0))
      refuse("the rows end after " + std::to_string(at_) + " proteins, should after " +
             std::to_string(sequence_.size(0)));
  }

 private:
  int64_t wanted() const { return sequence_.const_data_ptr<int64_t>()[at_]; }
  void finish_row() {
    const Tensor mean = (sum_ / static_cast<double>(summed_)).to(torch::kFloat32);
    std::copy_n(mean.const_data_ptr<float>(), width_, out_.row<float>(at_));
    sum_.zero_();
    summed_ = 0;
    ++at_;
  }

  NpyArray& out_;
  Tensor sequence_;  // [proteins] int64: which sequence each is
  int64_t width_;
  RowIs row_;
  Tensor sum_;                   // [d] float64, of protein `at_`
  int64_t at_ = 0, summed_ = 0;  // rows in the sum
};

class Extract final : public Analysis {
 public:
  explicit Extract(const ExtractParams& params) : params_(params) {}

  // The rows are the codes' own. They are not named here, as a run then asks for one row of codes
  // for each row, and the codes of `meanpool` are of many.
  Needs needs() const override { return {.codes = true}; }

  Report run(Context& context) override {
    const CodesReader& codes = context.codes();
    check(codes);
    auto records = context.records();
    if (!records)
      refuse("these codes have no records: they were read from a folder, or their rows were made");
    const int64_t most = params_.max_samples > 0 ? params_.max_samples : codes.rows();
    Writing to{
        context, codes,
        "time" + params_.time + "_ckpt" + params_.ckpt + "_maxsamples" + std::to_string(most)};
    to.report.values = {{"rows", codes.rows(), "proteins, one row each", {}}};
    write_embeddings(to);
    is_pooling() ? write_pairs(to) : write_matrix(to);
    write_metadata(to, *records);
    to.report.tables.push_back(
        context.write("extract.tsv", "The files, beside this list.", to.files));
    return std::move(to.report);
  }

 private:
  struct Writing {
    Context& context;
    const CodesReader& codes;
    std::string tag;  // the end of every name
    Report report = {};
    Table files = Table({{"file", "its name"},
                         {"holds", "its numbers, as NumPy names them"},
                         {"rows", "one for each protein"},
                         {"columns", "numbers, or cells, of each"}});

    void add(const NpyArray& array) {
      context.write_file(kFolder + array.file(), array.bytes());
      files.add({kFolder + array.file(), array.kind(), array.rows(), array.columns()});
    }
  };

  bool is_pooling() const { return params_.layout == "pooling"; }
  int64_t most_bytes() const {
    return static_cast<int64_t>(params_.largest_file * 1024 * 1024 * 1024);
  }

  void check(const CodesReader& codes) const {
    if (codes.rows() == 0) refuse("there are no rows to write");
    if (codes.pool() == "none")
      refuse(
          "these codes are one for each token, should be one for each protein: set "
          "activations.pool = \"mean\", or for an SAE of residues run:encode { pool = \"mean\" "
          "} and layout = \"meanpool\"");
    if (!is_pooling() && codes.pool() != "mean")
      refuse("layout: is \"meanpool\", but these codes were pooled by \"" + codes.pool() + "\"");
  }

  NpyArray array(const Writing& to, const std::string& name, const std::string& kind,
                 int64_t columns) const {
    return {name + ".npy", kind, to.codes.rows(), columns, most_bytes()};
  }

  // The host's rows; of residues, the mean over each protein.
  void write_embeddings(Writing& to) const {
    const auto source = to.context.rows();
    const Shape shape = source->shape();
    if (shape.points_in != 1)
      refuse("the rows are of " + std::to_string(shape.points_in) +
             " hookpoints, should be of one");
    NpyArray out = array(to,
                         is_pooling() ? "POOLING_embeddings_" + to.tag
                                      : "MEANPOOL_concatenated_" + to.tag + "_embeddings",
                         "<f4", shape.d_in);
    ProteinMeans means(out, to.codes, shape.d_in, is_pooling() ? RowIs::protein : RowIs::residue);
    for (int64_t read = kBlockRows; read == kBlockRows;) {
      to.context.breathe();
      const Rows rows = source->next(kBlockRows);
      read = rows.size();
      if (read > 0) means.add(rows);
      to.context.events().progress("extract", means.finished(), to.codes.rows(), "proteins");
    }
    means.finish();
    to.add(out);
    to.report.values.push_back({"d_in", shape.d_in, "width of the embeddings", {}});
  }

  // Calls use(row, latents and values of its entries, how many).
  template <class Use>
  static void each_row(Writing& to, Use&& use) {
    for (int64_t begin = 0; begin < to.codes.rows(); begin += kBlockRows) {
      to.context.breathe();
      const int64_t rows = std::min(kBlockRows, to.codes.rows() - begin);
      const Codes block = to.codes.slice(begin, begin + rows);
      const Tensor start = block.start.contiguous(), latent = block.latent.contiguous(),
                   value = block.value.contiguous();
      const auto* starts = start.const_data_ptr<int64_t>();
      for (int64_t r = 0; r < rows; ++r)
        use(begin + r, latent.const_data_ptr<int32_t>() + starts[r],
            value.const_data_ptr<float>() + starts[r], starts[r + 1] - starts[r]);
    }
  }

  void write_pairs(Writing& to) const {
    int64_t k = 1;
    each_row(to, [&](int64_t, const int32_t*, const float*, int64_t n) { k = std::max(k, n); });
    NpyArray values = array(to, "POOLING_activations_" + to.tag, "<f4", k);
    NpyArray indices = array(to, "POOLING_indices_" + to.tag, "<i8", k);
    int64_t zeros = to.codes.rows() * k;
    each_row(to, [&](int64_t row, const int32_t* latent, const float* value, int64_t n) {
      std::copy_n(latent, n, indices.row<int64_t>(row));
      std::copy_n(value, n, values.row<float>(row));
      zeros -= std::count_if(value, value + n, [](float v) { return v != 0; });
    });
    to.add(values);
    to.add(indices);
    to.report.values.push_back(
        {"k", k, "columns of activations and indices: the most latents that a row keeps", {}});
    to.report.values.push_back(
        {"zeros",
         zeros,
         "places of activations with value 0: latents that were chosen and then cut by ReLU, with "
         "their index, and the places that a row with fewer latents leaves, with index 0",
         {}});
  }

  void write_matrix(Writing& to) const {
    NpyArray matrix =
        array(to, "MEANPOOL_concatenated_" + to.tag + "_sparse", "<f8", to.codes.d_sae());
    each_row(to, [&](int64_t row, const int32_t* latent, const float* value, int64_t n) {
      for (int64_t e = 0; e < n; ++e)
        matrix.row<double>(row)[latent[e]] = static_cast<double>(value[e]);
    });
    to.add(matrix);
    to.report.values.push_back({"latents", to.codes.d_sae(), "columns of the matrix (d_sae)", {}});
  }

  void write_metadata(Writing& to, RecordReader& records) const {
    const Tensor sequences = to.codes.ids().sequence.to(torch::kInt64).contiguous();
    const auto* wanted = sequences.const_data_ptr<int64_t>();
    Metadata table(params_.columns,
                   is_pooling() ? MetadataLayout::pooling : MetadataLayout::meanpool);
    Record record;
    int64_t row = 0;
    for (int64_t number = 0; row < to.codes.rows() && records.next(record); ++number)
      if (number == wanted[row]) {
        table.add(record);
        ++row;
      }
    if (row != to.codes.rows())
      refuse("the records end after " + std::to_string(row) + " proteins, should after " +
             std::to_string(to.codes.rows()));
    std::string missing;
    for (const std::string& column : table.missing())
      missing += (missing.empty() ? "\"" : ", \"") + column + "\"";
    if (!missing.empty())
      to.context.events().warn("extract.columns",
                               "no record has a column " + missing + ": their cells are empty");
    const std::string file =
        kFolder + std::string(is_pooling() ? "POOLING_metadata_" : "MEANPOOL_metadata_") + to.tag +
        ".csv";
    to.context.write_file(file, table.csv());
    to.files.add({file, "text", row, table.columns()});
  }

  ExtractParams params_;
};

}  // namespace

FACET_PLUGIN("facet.analysis.extract", FACET_VERSION) {
  registry.add_analysis<Extract>("extract",
                                 "Embeddings, codes and a table of the proteins as Rep_SAEs_PLMs "
                                 "keeps them: .npy arrays and a CSV file.",
                                 schema());
}
