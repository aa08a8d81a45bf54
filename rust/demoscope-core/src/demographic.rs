//! "Demographics-only humans" (reference A1): what opinions share because of what the prompt shows, and nothing else.
//!
//! Within a cell of people with the same demographics, answers of *distinct* persons are paired: the table of items j
//! and k counts every ordered pair (i, i') of different people, answer of i to j with answer of i' to k.
//! Permuting answers within cells would leave each person paired with herself once in `n_c` times and leak `1 / n_c`
//! of the within-person association.
//! With r = weight x multiplicity the table of a cell is `N_j(a) N_k(b) - sum over i of r_i^2 1[a_i = a, b_i = b]`:
//! the squares take all pairs of a person with her own copies out, because copies of one respondent in a bootstrap
//! replicate are still one person.
//! Cells are scaled to their mass and added; a cell of one person has no pairs and is dropped.

use crate::codes::Codes;
use crate::contingency::{complete_cells, count_item, count_pair};
use crate::correlation::Tables;
use crate::error::{Error, check_length};
use crate::weights::Replicates;

/// Pair sums below this share of the product of the totals are rounding of a difference that is zero.
const ROUNDING: f64 = 1e-12;

/// Codes, demographic cells and the weights of replicates.
#[derive(Debug)]
pub struct Demographic<'a> {
    codes: Codes,
    /// Where every cell begins in the sorted rows, and the end of the last.
    bounds: Vec<usize>,
    /// Original row of every sorted row.
    order: Vec<usize>,
    replicates: Replicates<'a>,
}

impl<'a> Demographic<'a> {
    /// Row-major codes, the cell of every respondent (-1: unknown, dropped) and weights.
    ///
    /// # Errors
    /// When lengths disagree or a code is not a category.
    pub fn new(codes: &[u8], categories: &[usize], cell: &[i64], replicates: Replicates<'a>) -> Result<Self, Error> {
        check_length("cell", cell.len(), replicates.rows())?;
        check_length("codes", codes.len(), cell.len() * categories.len())?;
        let mut order: Vec<usize> = (0..cell.len()).filter(|&row| cell[row] >= 0).collect();
        order.sort_by_key(|&row| cell[row]);
        let mut bounds: Vec<usize> =
            (0..order.len()).filter(|&i| i == 0 || cell[order[i]] != cell[order[i - 1]]).collect();
        bounds.push(order.len());
        let items = categories.len();
        let sorted: Vec<u8> = order.iter().flat_map(|&row| &codes[row * items..(row + 1) * items]).copied().collect();
        let codes = Codes::from_rows(&sorted, order.len(), categories)?;
        Ok(Self { codes, bounds, order, replicates })
    }
}

/// Weights of one replicate in sorted order.
#[derive(Debug)]
pub struct Loaded {
    rows: Vec<f64>,
    mass: Vec<f64>,
    squares: Vec<f64>,
    copies: Vec<f64>,
    counts: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    cell: Vec<f64>,
}

impl Tables for Demographic<'_> {
    type Replicate = Loaded;

    fn categories(&self) -> &[usize] {
        self.codes.categories()
    }

    fn replicates(&self) -> usize {
        self.replicates.count()
    }

    fn buffers(&self) -> Loaded {
        let kept = self.order.len();
        Loaded {
            rows: vec![0.0; self.replicates.rows()],
            mass: vec![0.0; kept],
            squares: vec![0.0; kept],
            copies: vec![0.0; kept],
            counts: Vec::new(),
            first: Vec::new(),
            second: Vec::new(),
            cell: Vec::new(),
        }
    }

    fn load(&self, index: usize, replicate: &mut Loaded) {
        self.replicates.copies(index, &mut replicate.rows);
        for (copies, &row) in replicate.copies.iter_mut().zip(&self.order) {
            *copies = replicate.rows[row];
        }
        self.replicates.mass(index, &mut replicate.rows);
        for ((mass, square), &row) in replicate.mass.iter_mut().zip(&mut replicate.squares).zip(&self.order) {
            *mass = replicate.rows[row];
            *square = *mass * *mass;
        }
    }

    fn item_totals(&self, item: usize, replicate: &mut Loaded, totals: &mut [f64]) {
        replicate.counts.resize(totals.len() + 1, 0.0);
        count_item(self.codes.column(item), &replicate.mass, &mut replicate.counts);
        totals.copy_from_slice(&replicate.counts[..totals.len()]);
    }

    fn pair_table(&self, first: usize, second: usize, replicate: &mut Loaded, table: &mut [f64]) {
        let (rows, cols) = (self.categories()[first], self.categories()[second]);
        let Loaded { mass, squares, counts, first: first_totals, second: second_totals, cell: own, .. } = replicate;
        counts.resize((rows + 1) * (cols + 1), 0.0);
        first_totals.resize(rows + 1, 0.0);
        second_totals.resize(cols + 1, 0.0);
        own.resize(rows * cols, 0.0);
        table.fill(0.0);
        for range in self.bounds.windows(2).map(|bound| bound[0]..bound[1]) {
            let (a, b) = (&self.codes.column(first)[range.clone()], &self.codes.column(second)[range.clone()]);
            count_item(a, &mass[range.clone()], first_totals);
            count_item(b, &mass[range.clone()], second_totals);
            count_pair(a, b, &squares[range.clone()], cols + 1, counts);
            complete_cells(counts, rows, cols, own);
            let distinct = |a: usize, b: usize, own: f64| {
                let all = first_totals[a] * second_totals[b];
                let rest = all - own;
                if rest > ROUNDING * all { rest } else { 0.0 }
            };
            let pair_sum: f64 = own.iter().enumerate().map(|(i, &own)| distinct(i / cols, i % cols, own)).sum();
            if pair_sum > 0.0 {
                let scale = mass[range].iter().sum::<f64>() / pair_sum;
                for (i, (count, &own)) in table.iter_mut().zip(own.iter()).enumerate() {
                    *count += scale * distinct(i / cols, i % cols, own);
                }
            }
        }
    }

    fn respondents(&self, first: usize, second: usize, replicate: &Loaded) -> f64 {
        let (rows, cols) = (self.categories()[first], self.categories()[second]);
        let answers = self.codes.column(first).iter().zip(self.codes.column(second));
        let complete = answers.map(|(&a, &b)| usize::from(a) < rows && usize::from(b) < cols);
        replicate.copies.iter().zip(complete).filter(|(_, complete)| *complete).map(|(copies, _)| copies).sum()
    }
}
