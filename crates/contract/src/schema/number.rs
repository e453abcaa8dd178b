//! Decimal numbers in fixed point, and the question whether a number satisfies a set of bounds.
//!
//! Invariant: arithmetic is exact; what does not fit is left out, and its answer is "unknown".

use serde_json::{Number, Value};

use super::node::{Atom, AtomId, types};
use super::solve::{Answer, Solver};

/// Decimal places that are kept: what a double holds.
const DIGITS: usize = 15;
const ONE: i128 = 1_000_000_000_000_000;
/// How many multiples are tried when some have to be left out (`not` and `enum`): more than any list of such has.
const TRIES: i128 = 4_096;

/// A decimal number in units of 10⁻¹⁵.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Num(pub i128);

impl Num {
    /// The number exactly, if it has at most 15 decimals and 22 digits before them.
    #[must_use]
    pub fn of(number: &Number) -> Option<Self> {
        if let Some(whole) = number.as_i64() {
            return Some(Self(i128::from(whole) * ONE));
        }
        if let Some(whole) = number.as_u64() {
            return Some(Self(i128::from(whole) * ONE));
        }
        let text = format!("{}", number.as_f64()?);
        let (sign, text) = text.strip_prefix('-').map_or((1, text.as_str()), |rest| (-1, rest));
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.len() > 22 || fraction.len() > DIGITS {
            return None;
        }
        let digits = format!("{whole}{fraction:0<DIGITS$}");
        digits.parse::<i128>().ok().map(|units| Self(sign * units))
    }

    /// The number as JSON.
    #[must_use]
    pub fn value(self) -> Value {
        let whole = self.0 / ONE;
        if self.0 % ONE == 0 {
            if let Ok(small) = i64::try_from(whole) {
                return Value::from(small);
            }
            if let Ok(large) = u64::try_from(whole) {
                return Value::from(large);
            }
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = (self.0 % ONE).abs();
        let text = format!("{sign}{}.{fraction:0>DIGITS$}", whole.abs());
        text.parse::<f64>().map_or(Value::Null, Value::from)
    }

    /// Whether it has no fraction.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.0 % ONE == 0
    }
}

/// What the literals on a number add up to.
#[derive(Default)]
struct Bounds {
    low: Option<(i128, bool)>,
    high: Option<(i128, bool)>,
    step: Option<i128>,
    not_steps: Vec<i128>,
}

impl Bounds {
    fn at_least(&mut self, value: i128, strict: bool) {
        if self.low.is_none_or(|low| (value, strict) > low) {
            self.low = Some((value, strict));
        }
    }

    fn at_most(&mut self, value: i128, strict: bool) {
        if self.high.is_none_or(|(high, now)| value < high || value == high && strict && !now) {
            self.high = Some((value, strict));
        }
    }

    /// Joins another step to the one there is; false when the least common multiple is too large.
    fn multiple(&mut self, step: i128) -> bool {
        let Some(now) = self.step else {
            self.step = Some(step);
            return true;
        };
        self.step = (now / gcd(now, step)).checked_mul(step);
        self.step.is_some()
    }

    fn holds(&self, value: i128) -> bool {
        self.low.is_none_or(|(low, strict)| value > low || value == low && !strict)
            && self.high.is_none_or(|(high, strict)| value < high || value == high && !strict)
            && self.step.is_none_or(|step| value % step == 0)
            && self.not_steps.iter().all(|step| value % step != 0)
    }
}

const fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.abs()
}

/// A number that satisfies all literals.
pub fn solve(solver: &mut Solver, literals: &[(AtomId, bool)]) -> Answer<Value> {
    let mut bounds = Bounds::default();
    let mut excluded: Vec<i128> = Vec::new();
    for (atom, holds) in literals {
        let fits = match (solver.store.get(*atom), *holds) {
            (Atom::Types(bits), true) if bits & types::FRACTION == 0 => bounds.multiple(ONE),
            (Atom::Types(bits), false) if bits & types::WHOLE == 0 => bounds.multiple(ONE),
            (Atom::Types(_), _) => {
                bounds.not_steps.push(ONE);
                true
            }
            (Atom::Min(value, strict), true) => {
                bounds.at_least(value.0, *strict);
                true
            }
            (Atom::Max(value, strict), false) => {
                bounds.at_least(value.0, !strict);
                true
            }
            (Atom::Max(value, strict), true) => {
                bounds.at_most(value.0, *strict);
                true
            }
            (Atom::Min(value, strict), false) => {
                bounds.at_most(value.0, !strict);
                true
            }
            (Atom::MultipleOf(step), true) => bounds.multiple(step.0),
            (Atom::MultipleOf(step), false) => {
                bounds.not_steps.push(step.0);
                true
            }
            (Atom::Enum(values), false) => {
                let numbers = values.iter().filter_map(|literal| literal.value.as_number());
                let known: Vec<Option<Num>> = numbers.map(Num::of).collect();
                excluded.extend(known.iter().flatten().map(|number| number.0));
                known.iter().all(Option::is_some)
            }
            _ => true,
        };
        if !fits {
            return Answer::Unknown("numbers beyond exact arithmetic");
        }
    }
    pick(&bounds, &excluded)
}

fn pick(bounds: &Bounds, excluded: &[i128]) -> Answer<Value> {
    let good = |value: i128| bounds.holds(value) && !excluded.contains(&value);
    let (low, high) = (bounds.low.map(|low| low.0), bounds.high.map(|high| high.0));
    if let (Some(low), Some(high)) = (low, high)
        && low > high
    {
        return Answer::Empty;
    }
    if let Some(step) = bounds.step {
        let first = low.map_or_else(
            || high.map_or(0, |high| high.min(0).div_euclid(step)),
            |low| -(-low).div_euclid(step),
        );
        let last = high.map(|high| high.div_euclid(step));
        let forward = (0..TRIES).map(|n| first + n).take_while(|k| last.is_none_or(|last| *k <= last));
        let backward = (0..if low.is_none() { TRIES } else { 0 }).map(|n| first - n);
        let found = forward.chain(backward).filter_map(|k| k.checked_mul(step)).find(|value| good(*value));
        if let Some(value) = found {
            return Answer::Found(Num(value).value());
        }
        let whole_range = low.is_some() && last.is_some_and(|last| last - first < TRIES);
        // Every multiple of the step is also one that is ruled out.
        let hopeless = bounds.not_steps.iter().any(|not| step % not == 0);
        return if whole_range || hopeless {
            Answer::Empty
        } else {
            Answer::Unknown("too many multiples to try")
        };
    }
    if let (Some(low), Some(high)) = (low, high)
        && low == high
    {
        return if good(low) { Answer::Found(Num(low).value()) } else { Answer::Empty };
    }
    dense(bounds, &good)
}

/// Between two different bounds there is always another number; finds one with few digits.
fn dense(bounds: &Bounds, good: &dyn Fn(i128) -> bool) -> Answer<Value> {
    let (low, high) = (bounds.low.map(|low| low.0), bounds.high.map(|high| high.0));
    let base = match (low, high) {
        (None, None) => 0,
        (Some(low), _) => low,
        (None, Some(high)) => high,
    };
    let mut grain = ONE;
    for _ in 0..=DIGITS {
        let start = base.div_euclid(grain);
        for step in 0..64 {
            for k in [start + step, start - step] {
                if let Some(value) = k.checked_mul(grain).filter(|value| good(*value)) {
                    return Answer::Found(Num(value).value());
                }
            }
        }
        grain /= 10;
        if grain == 0 {
            break;
        }
    }
    Answer::Unknown("no number found between the bounds")
}
