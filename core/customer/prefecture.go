package customer

// Prefecture is one of Japan's 47 (都道府県).
type Prefecture string

// Name is the prefecture's Japanese name; empty if there is no such prefecture.
func (p Prefecture) Name() string {
	if n := p.Code(); n > 0 {
		return prefectures[n-1].name
	}
	return ""
}

// Code is the prefecture's number by JIS X 0401, 1 to 47; 0 if there is none such.
func (p Prefecture) Code() int {
	for i, q := range prefectures {
		if q.key == p {
			return i + 1
		}
	}
	return 0
}

// PrefectureNamed finds a prefecture by its Japanese name; empty if there is none.
func PrefectureNamed(name string) Prefecture {
	for _, q := range prefectures {
		if q.name == name {
			return q.key
		}
	}
	return ""
}

// prefectures stand in the order of JIS X 0401.
var prefectures = [47]struct {
	key  Prefecture
	name string
}{
	{"HOKKAIDO", "北海道"},
	{"AOMORI", "青森県"},
	{"IWATE", "岩手県"},
	{"MIYAGI", "宮城県"},
	{"AKITA", "秋田県"},
	{"YAMAGATA", "山形県"},
	{"FUKUSHIMA", "福島県"},
	{"IBARAKI", "茨城県"},
	{"TOCHIGI", "栃木県"},
	{"GUNMA", "群馬県"},
	{"SAITAMA", "埼玉県"},
	{"CHIBA", "千葉県"},
	{"TOKYO", "東京都"},
	{"KANAGAWA", "神奈川県"},
	{"NIIGATA", "新潟県"},
	{"TOYAMA", "富山県"},
	{"ISHIKAWA", "石川県"},
	{"FUKUI", "福井県"},
	{"YAMANASHI", "山梨県"},
	{"NAGANO", "長野県"},
	{"GIFU", "岐阜県"},
	{"SHIZUOKA", "静岡県"},
	{"AICHI", "愛知県"},
	{"MIE", "三重県"},
	{"SHIGA", "滋賀県"},
	{"KYOTO", "京都府"},
	{"OSAKA", "大阪府"},
	{"HYOGO", "兵庫県"},
	{"NARA", "奈良県"},
	{"WAKAYAMA", "和歌山県"},
	{"TOTTORI", "鳥取県"},
	{"SHIMANE", "島根県"},
	{"OKAYAMA", "岡山県"},
	{"HIROSHIMA", "広島県"},
	{"YAMAGUCHI", "山口県"},
	{"TOKUSHIMA", "徳島県"},
	{"KAGAWA", "香川県"},
	{"EHIME", "愛媛県"},
	{"KOCHI", "高知県"},
	{"FUKUOKA", "福岡県"},
	{"SAGA", "佐賀県"},
	{"NAGASAKI", "長崎県"},
	{"KUMAMOTO", "熊本県"},
	{"OITA", "大分県"},
	{"MIYAZAKI", "宮崎県"},
	{"KAGOSHIMA", "鹿児島県"},
	{"OKINAWA", "沖縄県"},
}

// PrefectureOf is the prefecture with a number of JIS X 0401, 1 to 47; empty if there is none.
func PrefectureOf(code int) Prefecture {
	if code < 1 || code > len(prefectures) {
		return ""
	}
	return prefectures[code-1].key
}
