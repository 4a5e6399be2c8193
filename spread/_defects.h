/* Rules of the protocol that a test build can switch off, to show that the checkers notice.
   In every other build the questions are constants and no code is left of them. */
#ifndef SPREAD_DEFECTS_H
#define SPREAD_DEFECTS_H

#ifdef SPREAD_DEFECTS
#define HAS_DEFECTS 1
#define has_defect(defects, bit) (((defects) >> (bit)) & 1)
#else
#define HAS_DEFECTS 0
#define has_defect(defects, bit) 0
#endif

#endif
