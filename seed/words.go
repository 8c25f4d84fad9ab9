package seed

import "github.com/noren-commerce/noren/core/i18n"

// word is one building block of names: its slug, and what it reads in Japanese
// and English.
type word struct{ slug, ja, en string }

// size is one value of a family's option, with what it costs and weighs.
type size struct {
	label  string
	yen    int64
	weight int // grams
}

// family is a group of products that differ in a trait and a kind: each
// combination is one product, its sizes are the variants.
type family struct {
	slug, category string
	name           i18n.Text // %[1]s brand, %[2]s trait, %[3]s kind
	about          i18n.Text // %[1]s trait, %[2]s kind
	traits, kinds  []word
	option         i18n.Text
	sizes          []size
	colours        []string // a second option, where there is one
	pet            string   // attribute "pet"
}

var (
	optionWeight = i18n.Text{"ja": "内容量", "en": "Net weight"}
	optionSize   = i18n.Text{"ja": "サイズ", "en": "Size"}
	optionCount  = i18n.Text{"ja": "入数", "en": "Pieces"}
	optionColour = i18n.Text{"ja": "カラー", "en": "Colour"}
)

var (
	flavoursDog  = []word{{"chicken", "チキン", "Chicken"}, {"salmon", "サーモン", "Salmon"}, {"lamb", "ラム", "Lamb"}, {"venison", "鹿肉", "Venison"}, {"beef", "牛肉", "Beef"}}
	flavoursCat  = []word{{"tuna", "まぐろ", "Tuna"}, {"bonito", "かつお", "Bonito"}, {"chicken", "ささみ", "Chicken fillet"}, {"whitefish", "白身魚", "White fish"}, {"scallop", "ほたて", "Scallop"}}
	stagesDog    = []word{{"puppy", "子犬用", "for puppies"}, {"adult", "成犬用", "for adult dogs"}, {"senior", "シニア犬用", "for senior dogs"}}
	stagesCat    = []word{{"kitten", "子猫用", "for kittens"}, {"adult", "成猫用", "for adult cats"}, {"indoor", "室内猫用", "for indoor cats"}}
	textures     = []word{{"soft", "やわらか", "Soft"}, {"crunchy", "カリカリ", "Crunchy"}, {"freeze-dried", "フリーズドライ", "Freeze-dried"}}
	materials    = []word{{"leather", "本革", "Leather"}, {"nylon", "ナイロン", "Nylon"}, {"linen", "帆布", "Canvas"}, {"mesh", "メッシュ", "Mesh"}}
	fillings     = []word{{"wool", "ウール", "Wool"}, {"cool", "接触冷感", "Cooling"}, {"fleece", "フリース", "Fleece"}, {"denim", "デニム", "Denim"}}
	scents       = []word{{"plain", "無香料", "Unscented"}, {"green-tea", "緑茶の香り", "Green tea"}, {"soap", "せっけんの香り", "Soap"}}
	coats        = []word{{"short", "短毛用", "for short coats"}, {"long", "長毛用", "for long coats"}, {"sensitive", "敏感肌用", "for sensitive skin"}}
	colours      = []string{"ベージュ", "ネイビー", "モスグリーン"}
	seasons      = []word{{"spring", "春夏", "Spring and summer"}, {"autumn", "秋冬", "Autumn and winter"}}
	smallAnimals = []word{{"rabbit", "うさぎ", "Rabbit"}, {"hamster", "ハムスター", "Hamster"}, {"guinea-pig", "モルモット", "Guinea pig"}, {"chinchilla", "チンチラ", "Chinchilla"}}
	birds        = []word{{"budgie", "セキセイインコ", "Budgerigar"}, {"parakeet", "オカメインコ", "Cockatiel"}, {"finch", "文鳥", "Java sparrow"}}
	fish         = []word{{"goldfish", "金魚", "Goldfish"}, {"medaka", "めだか", "Medaka"}, {"tropical", "熱帯魚", "Tropical fish"}, {"koi", "錦鯉", "Koi"}}
	reptiles     = []word{{"turtle", "カメ", "Turtle"}, {"gecko", "ヤモリ", "Gecko"}}
)

// makers are the manufacturers' brands: invented, all of them.
var makers = []word{
	{"morinoke", "もりのけ", "Morinoke"}, {"tetoteto", "てとてと", "Tetoteto"}, {"hidamari-kobo", "ひだまり工房", "Hidamari Kobo"},
	{"shippona", "シッポナ", "Shippona"}, {"kazemachi", "風待ち堂", "Kazemachi-do"}, {"umineko", "うみねこ水産", "Umineko Suisan"},
	{"potokoto", "ポトコト", "Potokoto"}, {"asagiri", "あさぎり牧場", "Asagiri Farm"},
}

// shelf is a category; its parent's slug stands before the slash.
type shelf struct{ parent, slug, ja, en string }

var shelves = []shelf{
	{"", "dog", "犬", "Dogs"}, {"dog", "dog-food", "ドッグフード", "Dog food"}, {"dog-food", "dog-dry", "ドライフード", "Dry food"},
	{"dog-food", "dog-wet", "ウェットフード", "Wet food"}, {"dog", "dog-treats", "犬用おやつ", "Dog treats"}, {"dog", "dog-walk", "お散歩用品", "Walking"},
	{"dog", "dog-toys", "犬用おもちゃ", "Dog toys"}, {"dog", "dog-beds", "犬用ベッド", "Dog beds"}, {"dog", "dog-wear", "犬の服", "Dog wear"},
	{"", "cat", "猫", "Cats"}, {"cat", "cat-food", "キャットフード", "Cat food"}, {"cat-food", "cat-dry", "ドライフード", "Dry food"},
	{"cat-food", "cat-wet", "ウェットフード", "Wet food"}, {"cat", "cat-treats", "猫用おやつ", "Cat treats"}, {"cat", "cat-litter", "猫砂・トイレ", "Litter"},
	{"cat", "cat-toys", "猫用おもちゃ", "Cat toys"}, {"cat", "cat-beds", "猫用ベッド", "Cat beds"},
	{"", "small", "小動物", "Small animals"}, {"small", "small-food", "小動物フード", "Food"}, {"small", "small-bedding", "床材・牧草", "Bedding and hay"},
	{"", "bird", "鳥", "Birds"}, {"", "fish", "魚", "Fish"}, {"", "reptile", "爬虫類", "Reptiles"},
	{"", "care", "お手入れ・衛生", "Care and hygiene"}, {"care", "shampoo", "シャンプー", "Shampoo"}, {"care", "dental", "デンタルケア", "Dental care"}, {"care", "sheets", "ペットシーツ", "Pads"},
	{"", "cafe", "カフェ・お土産", "Café and gifts"},
}
