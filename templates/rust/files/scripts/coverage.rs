//! Fails below the thresholds: 95 % of the lines of what is the server's own, 85 % of all. The compiler counts, and
//! `llvm_profparser` reads what it counted, so that no tool of LLVM need be installed.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use llvm_profparser::coverage::reporting::CoverageResult;
use llvm_profparser::{CoverageMapping, merge_profiles};
use serde_json::Value;

use crate::Outcome;

const LEAST_OF_OWN: f64 = 95.0;
const LEAST_OF_ALL: f64 = 85.0;

/// The folders that hold what is the server's own.
const OWN: [&str; 4] = ["src/tools", "src/resources", "src/prompts", "src/services"];

#[derive(Default)]
struct Count {
    run: u32,
    all: u32,
}

impl Count {
    fn percent(&self) -> f64 {
        if self.all == 0 { 100.0 } else { 100.0 * f64::from(self.run) / f64::from(self.all) }
    }
}

/// Reads the counts that the tests left in `folder`, and lists the lines that none of them ran.
pub fn check(folder: &str) -> Outcome {
    let counts = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<PathBuf>>>()?;
    let (programs, profile) = (programs()?, merge_profiles(&counts)?);
    let here = env::current_dir()?;
    let sources = here.join("src");
    let report = CoverageMapping::new(&programs, &profile, true)?
        .generate_subreport(|paths| paths.iter().any(|path| path.starts_with(&sources)))?;

    let (mut own, mut all) = (Count::default(), Count::default());
    for (path, result) in &report.files {
        let Ok(name) = path.strip_prefix(&here) else { continue };
        if !name.starts_with("src") {
            continue;
        }
        let lines = lines_of(&fs::read_to_string(path)?, result);
        let missed: Vec<_> =
            lines.iter().filter(|(_, ran)| !ran).map(|(number, _)| number.to_string()).collect();
        if !missed.is_empty() {
            println!("{}: not run: {}", name.display(), missed.join(" "));
        }
        let is_own = OWN.iter().any(|folder| name.starts_with(folder));
        for count in [Some(&mut all), is_own.then_some(&mut own)].into_iter().flatten() {
            count.all += u32::try_from(lines.len())?;
            count.run += u32::try_from(lines.len() - missed.len())?;
        }
    }
    let (own, all) = (own.percent(), all.percent());
    println!(
        "coverage: {own:.1} % of tools, resources, prompts and services (at least {LEAST_OF_OWN} %), {all:.1} % of all \
         (at least {LEAST_OF_ALL} %)"
    );
    if own < LEAST_OF_OWN || all < LEAST_OF_ALL { Err("coverage is too low".into()) } else { Ok(()) }
}

/// The programs that the tests are made of, as Cargo says.
fn programs() -> Outcome<Vec<PathBuf>> {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output =
        Command::new(cargo).args(["test", "--locked", "--no-run", "--message-format=json"]).output()?;
    let messages = String::from_utf8(output.stdout)?;
    let programs = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    Ok(programs.filter(|path| !path.parent().is_some_and(|folder| folder.ends_with("examples"))).collect())
}

/// The lines that can run, up to the tests in the file, and whether they did.
fn lines_of(source: &str, result: &CoverageResult) -> Vec<(usize, bool)> {
    let end = source.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
    (1..=end)
        .filter_map(|line| {
            let regions = result.hits.iter().filter(|(at, _)| (at.line_start..=at.line_end).contains(&line));
            regions.map(|(_, hits)| *hits > 0).reduce(|one, other| one || other).map(|ran| (line, ran))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use llvm_profparser::coverage::SourceLocation;

    use super::*;

    #[test]
    fn a_line_is_run_when_a_part_of_it_is_and_tests_do_not_count() {
        let mut result = CoverageResult::default();
        for (line, start, hits) in [(1, 1, 2), (1, 9, 0), (2, 1, 0), (5, 1, 7)] {
            let at = SourceLocation {
                line_start: line,
                column_start: start,
                line_end: line,
                column_end: start + 1,
            };
            result.insert("function", at, hits);
        }
        let source = "ran()?;\nmissed();\n// nothing\n#[cfg(test)]\nmod tests {}\n";
        assert_eq!(lines_of(source, &result), [(1, true), (2, false)]);
    }

    #[test]
    fn nothing_at_all_is_covered() {
        assert!((Count::default().percent() - 100.0).abs() < f64::EPSILON);
        assert!((Count { run: 1, all: 4 }.percent() - 25.0).abs() < f64::EPSILON);
    }
}
