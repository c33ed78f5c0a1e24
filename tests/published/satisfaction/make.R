# Covariances of the five scales of psych::bfi, reversed where keyed the other way (the data themselves stay in psych).
library(psych)
items <- bfi[, 1:25]
turned <- c("A1", "C4", "C5", "E1", "E2", "O2", "O5")
items[turned] <- 7 - items[turned]
for (scale in c("A", "C", "E", "N", "O")) {
  x <- items[paste0(scale, 1:5)]
  print(cov(x, use = "pairwise"), digits = 17)
  print(cov(x, use = "complete"), digits = 17)
  print(alpha(x)$total$raw_alpha, digits = 12)
  print(alpha(x)$feldt)
  print(fa(cor(x, use = "complete"), fm = "ml"), digits = 12)
}
