// The texts of the page in English, which unit tests of the page read.

import { en } from "../src/text/en";
import { enMore } from "../src/text/en_more";
import { setTexts } from "../src/text/language";

setTexts("en", en, enMore);
