//! Random edits, the same in every run: what people and templates do to the lines of a file.

/// `SplitMix64`: small, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// A file as people write them: lines that occur once, and lines like `}` and blank ones that occur everywhere.
    pub fn text(&mut self) -> String {
        let lines = 1 + self.below(40);
        let line = |random: &mut Self, place: usize| match random.below(4) {
            0 => String::new(),
            1 => "}".to_owned(),
            2 => format!("    call({})", random.below(4)),
            _ => format!("line {place}"),
        };
        (0..lines).map(|place| line(self, place) + "\n").collect()
    }

    /// `text` after one to four edits by `who`, whose new lines all bear that name.
    pub fn edited(&mut self, text: &str, who: &str) -> String {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for edit in 0..=self.below(4) {
            let from = self.below(lines.len() + 1);
            let to = (from + self.below(4)).min(lines.len());
            let new =
                |random: &mut Self| (0..=random.below(3)).map(|n| format!("{who} {edit}.{n}")).collect();
            let replacement: Vec<String> = match self.below(6) {
                0 => Vec::new(),
                1 | 2 => new(self),
                3 => lines[from..to].iter().map(|line| format!("{line} # {who}")).collect(),
                4 => lines[from..to].iter().cloned().chain(new(self)).collect(),
                _ => lines[from..to].iter().rev().cloned().collect(),
            };
            lines.splice(from..to, replacement);
        }
        let mut text = lines.join("\n");
        if !text.is_empty() && !self.one_in(8) {
            text.push('\n');
        }
        text
    }
}
