"""What pictures and tables show of a result, as plain rows; HTML, plots and traces draw them."""
