package pdf

// column is one of a table.
type column struct {
	title string
	wide  float64
	align align
}

// cell is what stands in a row's column: a text, and a smaller one below it.
type cell struct {
	text, below string
	indent      float64
}

// table draws rows, on as many pages as they need; each page repeats the heading.
type table struct {
	*sheet
	columns []column
}

const padding = 4.0

func (s *sheet) table(columns ...column) *table {
	used := 0.0
	for _, c := range columns {
		used += c.wide
	}
	for i := range columns {
		if columns[i].wide == 0 {
			columns[i].wide = right - left - used // takes what is left
		}
	}
	t := &table{s, columns}
	t.heading()
	return t
}

func (t *table) heading() {
	t.shade(left, t.y, right-left, 17, 232)
	t.rule(left, right, t.y, 0.8, 60)
	t.rule(left, right, t.y+17, 0.5, 60)
	x := left
	for _, c := range t.columns {
		t.write(c.title, x+c.wide/2, t.y+4.2, 8, toCentre)
		x += c.wide
	}
	t.y += 17
}

// row draws a row, on the next page if it does not fit here.
func (t *table) row(cells ...cell) {
	texts, belows, high := make([][]string, len(cells)), make([][]string, len(cells)), 0.0
	for i, c := range cells {
		wide := t.columns[i].wide - 2*padding - c.indent
		texts[i] = t.wrapped(c.text, normal, wide)
		used := float64(len(texts[i])) * normal * leading
		if c.below != "" {
			belows[i] = t.wrapped(c.below, small, wide)
			used += float64(len(belows[i])) * small * leading
		}
		high = max(high, used)
	}
	high += 5
	t.room(high)
	x := left
	for i, c := range cells {
		y := t.y + 3.5
		for _, line := range texts[i] {
			t.put(line, x, y, t.columns[i], c.indent, normal)
			y += normal * leading
		}
		t.grey(90)
		for _, line := range belows[i] {
			t.put(line, x, y-1, t.columns[i], c.indent, small)
			y += small * leading
		}
		t.grey(0)
		x += t.columns[i].wide
	}
	t.y += high
	t.rule(left, right, t.y, 0.3, 175)
}

func (t *table) put(line string, x, y float64, c column, indent, size float64) {
	switch c.align {
	case toRight:
		t.write(line, x+c.wide-padding, y, size, toRight)
	case toCentre:
		t.write(line, x+c.wide/2, y, size, toCentre)
	default:
		t.write(line, x+padding+indent, y, size, toLeft)
	}
}

// room begins a page with the heading if less than that is left on this one.
func (t *table) room(high float64) {
	if t.y+high <= bottom {
		return
	}
	t.rule(left, right, t.y, 0.8, 60)
	t.continued()
	t.heading()
}

// end closes the table.
func (t *table) end() {
	t.rule(left, right, t.y, 0.8, 60)
	t.y += 10
}

// continued begins a page that says what it belongs to.
func (s *sheet) continued() {
	s.page()
	s.strong(s.called+"（つづき）", left, s.y, 11, toLeft)
	if s.no != "" {
		s.write("No. "+s.no, right, s.y+1, normal, toRight)
	}
	s.y += 22
}

// fits begins a page if less than that is left on this one.
func (s *sheet) fits(high float64) {
	if s.y+high > bottom {
		s.continued()
	}
}
