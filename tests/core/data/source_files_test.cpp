// Files and folders behind a path.
#include "data/source_files.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "core/data/records.h"
#include "core/plugin/temporary_folder.h"
#include "data/fasta.h"
#include "expect_refusal.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

FastaParams fasta(const fs::path& path, const std::string& sha256 = "") {
  FastaParams params;
  params.path = path.string();
  params.sha256 = sha256;
  return params;
}

TEST(SourceFiles, of_a_folder_are_read_in_the_order_of_their_names) {
  const TemporaryFolder folder;
  folder.write("b.fasta", ">b\nM\n>b2\nM");
  folder.write("a.fa.gz", ">a\nM\n");  // plain all the same: the content says so
  folder.write("B.faa.zst", ">B\nM\n");
  folder.write("notes.txt", "not read");
  folder.write(".c.fasta", "not read");
  fs::create_directories(folder.path() / "deeper.fasta");
  EXPECT_EQ(shown(records_of<Fasta>(fasta(folder.path()))), "B=M a=M b=M b2=M ");
}

TEST(SourceFiles, named_one_by_one_may_have_any_ending) {
  const TemporaryFolder folder;
  EXPECT_EQ(shown(records_of<Fasta>(fasta(folder.write("proteins.txt", ">a\nM\n")))), "a=M ");
}

TEST(SourceFiles, without_a_record_are_refused) {
  const TemporaryFolder folder;
  folder.write("a.fasta", ">a\nM\n");
  const std::string empty = folder.write("b.fasta", "").string();
  EXPECT_EQ(refusal_of([&] { records_of<Fasta>(fasta(folder.path())); }), empty + ": no records");
}

TEST(SourceFiles, that_a_folder_lacks_are_named_by_their_endings) {
  const TemporaryFolder folder;
  folder.write("a.txt", "");
  EXPECT_EQ(refusal_of([&] {
              files_of(folder.path(), {".tsv", ".tab"});
            }),
            folder.path().string() +
                ": no file in this folder ends in .tsv, .tab, or these with .gz or .zst");
}

TEST(SourceFiles, are_compared_with_a_hash) {
  const TemporaryFolder folder;
  const std::string text = ">A\nMK\n";
  const std::string path = folder.write("x.fasta", text).string();
  EXPECT_NO_THROW(Fasta(fasta(path, sha256(text))));
  EXPECT_NO_THROW(Fasta(fasta(folder.path(), sha256_path(folder.path()))));
  EXPECT_EQ(refusal_of([&] { Fasta(fasta(path, "0123")); }),
            path + ": sha256 is " + sha256(text) + ", should be 0123");
}

TEST(SourceFiles, say_which_names_they_have) {
  EXPECT_EQ(has_instead("Sequence", {"Entry", "Sequense"}), " (did you mean \"Sequense\"?)");
  EXPECT_EQ(has_instead("x", {"Entry", "Length"}), " (has \"Entry\", \"Length\")");
  EXPECT_EQ(has_instead("x", {}), "");
  const std::string many = has_instead("x", std::vector<std::string>(13, "abc"));
  EXPECT_EQ(many.substr(many.size() - 13), ", \"abc\", ...)");
}

TEST(SourceFiles, keep_their_name_when_they_are_packed) {
  EXPECT_EQ(unpacked_name("in/notes.txt"), "notes.txt");
  EXPECT_EQ(unpacked_name("in/notes.txt.gz"), "notes.txt");
  EXPECT_EQ(unpacked_name("in/notes.txt.zst"), "notes.txt");
}

}  // namespace
}  // namespace facet
