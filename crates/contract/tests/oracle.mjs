// Compares the labelled corpus with jsoncompat, another engine: `node oracle.mjs FOLDER-WITH-JSONCOMPAT`.
// Prints every row on which the two differ; README.md says why they may.

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const home = join(resolve(process.argv[2] ?? "."), "node_modules", "jsoncompat");
const { default: init, check_compat } = await import(pathToFileURL(join(home, "jsoncompat_wasm.js")));
await init({ module_or_path: readFileSync(join(home, "jsoncompat_wasm_bg.wasm")) });

const folder = new URL("corpus/", import.meta.url);
const rows = readdirSync(folder).flatMap((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")));
const corpus = rows.flatMap((row) =>
  row.back ? [row, { ...row, ...row.back, about: `${row.about} (taken back)`, old: row.new, new: row.old }] : [row],
);
const seen = { same: 0, undecided: 0, differs: 0 };
for (const row of corpus.filter((row) => row.direction !== "contract")) {
  const role = row.direction === "input" ? "deserializer" : "serializer";
  let answer;
  try {
    answer = check_compat(JSON.stringify(row.old), JSON.stringify(row.new), role) ? "compatible" : "breaking";
  } catch (error) {
    answer = `error: ${error.message ?? error}`;
  }
  const ours = { breaking: "breaking", unknown: "unknown" }[row.verdict] ?? "compatible";
  if (answer === ours) {
    seen.same += 1;
  } else if (answer.startsWith("error")) {
    seen.undecided += 1;
    console.log(`undecided  ${row.direction}  ${row.about}: ${answer}`);
  } else {
    seen.differs += 1;
    console.log(`differs    ${row.direction}  ${row.about}: labelled ${row.verdict} (${row.rule ?? "-"}), jsoncompat ${answer}`);
  }
}
console.log(JSON.stringify(seen));
