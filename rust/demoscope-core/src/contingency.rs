//! Weighted counts: totals of one item, joint table of two.

/// Adds the mass of every respondent to the category that was chosen; `totals` has one place more than the item has
/// categories, the last one for missing answers.
pub fn count_item(column: &[u8], mass: &[f64], totals: &mut [f64]) {
    totals.fill(0.0);
    for (&code, &mass) in column.iter().zip(mass) {
        totals[usize::from(code)] += mass;
    }
}

/// Adds the mass of every respondent to the cell of the two answers.
///
/// `table` is row-major with `stride` places per row, one more than the second item has categories, and one row more
/// than the first has; the extra row and column hold missing answers.
/// Cells are summed in the order of the respondents, so a table does not depend on the number of threads.
pub fn count_pair(first: &[u8], second: &[u8], mass: &[f64], stride: usize, table: &mut [f64]) {
    table.fill(0.0);
    for ((&a, &b), &mass) in first.iter().zip(second).zip(mass) {
        table[usize::from(a) * stride + usize::from(b)] += mass;
    }
}

/// Copies the `rows` x `cols` cells of complete answers out of a table with missing row and column.
pub fn complete_cells(table: &[f64], rows: usize, cols: usize, complete: &mut [f64]) {
    for (from, to) in table.chunks_exact(cols + 1).zip(complete.chunks_exact_mut(cols.max(1))).take(rows) {
        to.copy_from_slice(&from[..cols]);
    }
}

/// Row totals and column totals of a dense `rows` x `cols` table.
pub fn margins(table: &[f64], cols: usize, row_totals: &mut [f64], col_totals: &mut [f64]) {
    col_totals.fill(0.0);
    for (row, total) in table.chunks_exact(cols.max(1)).zip(row_totals.iter_mut()) {
        *total = row.iter().sum();
        for (col_total, &count) in col_totals.iter_mut().zip(row) {
            *col_total += count;
        }
    }
}
