"""What the city generator knows of Shenyang: where people park, what places are called, who runs car parks.

Streets and landmarks are the public ones; residential compounds, offices and operators are invented. Positions are
approximate WGS-84 degrees; the generator keeps every car park inside its district's shape whatever stands here.
"""

from typing import Final, NamedTuple


class Centre(NamedTuple):
    """A place that draws cars; `spread_km` is how far from it they are parked, `pull` its share in its district."""

    zh: str
    en: str
    lat: float
    lon: float
    spread_km: float
    pull: float


class Area(NamedTuple):
    """A district: its share of the city's car parks (they add up to 608), its centres, its streets."""

    share: int
    centres: tuple[Centre, ...]
    streets: tuple[tuple[str, str], ...]


AREAS: Final[dict[str, Area]] = {
    "heping": Area(
        87,
        (
            Centre("太原街", "Taiyuan Street", 41.7900, 123.4010, 0.7, 4),
            Centre("沈阳站", "Shenyang Railway Station", 41.7935, 123.3960, 0.6, 2),
            Centre("三好街", "Sanhao Street", 41.7660, 123.4190, 0.8, 2),
            Centre("市府广场西", "Shifu Square West", 41.8020, 123.4200, 0.7, 1),
            Centre("长白岛", "Changbai Island", 41.7330, 123.4060, 1.2, 2),
        ),
        (
            ("南京街", "Nanjing Street"),
            ("和平大街", "Heping Avenue"),
            ("胜利大街", "Shengli Avenue"),
            ("中华路", "Zhonghua Road"),
            ("文化路", "Wenhua Road"),
            ("南五马路", "South 5th Road"),
            ("长白南路", "Changbai South Road"),
            ("十一纬路", "11th Weft Road"),
        ),
    ),
    "shenhe": Area(
        93,
        (
            Centre("中街", "Zhongjie", 41.7975, 123.4570, 0.7, 4),
            Centre("沈阳北站", "Shenyang North Station", 41.8160, 123.4360, 0.7, 2.5),
            Centre("市府广场", "Shifu Square", 41.8050, 123.4320, 0.6, 2),
            Centre("五爱市场", "Wuai Market", 41.7850, 123.4600, 0.6, 1.5),
            Centre("青年公园", "Youth Park", 41.7790, 123.4400, 0.8, 2),
        ),
        (
            ("青年大街", "Qingnian Avenue"),
            ("北站路", "Beizhan Road"),
            ("朝阳街", "Chaoyang Street"),
            ("正阳街", "Zhengyang Street"),
            ("大西路", "Daxi Road"),
            ("小南街", "Xiaonan Street"),
            ("文艺路", "Wenyi Road"),
            ("热闹路", "Renao Road"),
        ),
    ),
    "dadong": Area(
        62,
        (
            Centre("大东广场", "Dadong Square", 41.8080, 123.4720, 0.8, 2),
            Centre("中街东", "Zhongjie East", 41.8010, 123.4690, 0.5, 2),
            Centre("龙之梦", "Longzhimeng", 41.8060, 123.4860, 0.7, 1.5),
            Centre("望花", "Wanghua", 41.8460, 123.5000, 1.0, 1),
        ),
        (
            ("东顺城街", "Dongshuncheng Street"),
            ("大北关街", "Dabeiguan Street"),
            ("小东路", "Xiaodong Road"),
            ("望花街", "Wanghua Street"),
            ("联合路", "Lianhe Road"),
            ("东北大马路", "Dongbei Avenue"),
        ),
    ),
    "huanggu": Area(
        75,
        (
            Centre("北行", "Beihang", 41.8260, 123.4100, 0.7, 3),
            Centre("长江街", "Changjiang Street", 41.8360, 123.4020, 0.8, 2),
            Centre("北陵公园", "Beiling Park", 41.8420, 123.4290, 0.8, 1.5),
            Centre("塔湾", "Tawan", 41.8270, 123.3780, 0.9, 1),
        ),
        (
            ("崇山路", "Chongshan Road"),
            ("黄河大街", "Huanghe Avenue"),
            ("泰山路", "Taishan Road"),
            ("岐山路", "Qishan Road"),
            ("昆山路", "Kunshan Road"),
            ("鸭绿江街", "Yalujiang Street"),
        ),
    ),
    "tiexi": Area(
        88,
        (
            Centre("铁西广场", "Tiexi Square", 41.7975, 123.3750, 0.8, 3),
            Centre("云峰街", "Yunfeng Street", 41.7900, 123.3860, 0.6, 2),
            Centre("兴华街", "Xinghua Street", 41.7880, 123.3620, 0.8, 2),
            Centre("经济技术开发区", "Development Zone", 41.7420, 123.2500, 2.5, 1.5),
        ),
        (
            ("建设大路", "Jianshe Avenue"),
            ("北二路", "Beier Road"),
            ("重工街", "Zhonggong Street"),
            ("保工街", "Baogong Street"),
            ("沈辽路", "Shenliao Road"),
            ("爱工街", "Aigong Street"),
            ("开发大路", "Kaifa Avenue"),
        ),
    ),
    "hunnan": Area(
        78,
        (
            Centre("奥体中心", "Olympic Sports Centre", 41.7390, 123.4580, 1.0, 3),
            Centre("桃仙机场", "Taoxian Airport", 41.6400, 123.4880, 0.8, 1),
            Centre("沈阳南站", "Shenyang South Station", 41.6560, 123.4030, 1.0, 1),
            Centre("浑南新市府", "Hunnan City Hall", 41.6790, 123.4620, 1.6, 2),
            Centre("长青桥南", "Changqing Bridge South", 41.7380, 123.4980, 1.2, 1.5),
        ),
        (
            ("浑南大道", "Hunnan Avenue"),
            ("全运路", "Quanyun Road"),
            ("沈中大街", "Shenzhong Avenue"),
            ("白塔街", "Baita Street"),
            ("营盘西街", "Yingpan West Street"),
            ("富民街", "Fumin Street"),
            ("高深路", "Gaoshen Road"),
        ),
    ),
    "yuhong": Area(
        50,
        (
            Centre("于洪广场", "Yuhong Square", 41.7930, 123.3120, 1.2, 2),
            Centre("黄海路", "Huanghai Road", 41.7870, 123.2950, 1.2, 1),
            Centre("丁香湖", "Dingxiang Lake", 41.8480, 123.3350, 1.3, 1.5),
        ),
        (
            ("黄海路", "Huanghai Road"),
            ("洪湖北街", "Honghu North Street"),
            ("沈大路", "Shenda Road"),
            ("细河路", "Xihe Road"),
            ("吉力湖街", "Jilihu Street"),
        ),
    ),
    "shenbei": Area(
        33,
        (
            Centre("道义", "Daoyi", 41.9280, 123.4020, 1.6, 2),
            Centre("新城子", "Xinchengzi", 42.0520, 123.5280, 1.4, 1),
            Centre("蒲河新城", "Puhe New Town", 41.9330, 123.4700, 2.0, 1),
        ),
        (
            ("道义南大街", "Daoyi South Avenue"),
            ("蒲河大道", "Puhe Avenue"),
            ("贵州路", "Guizhou Road"),
            ("蒲文路", "Puwen Road"),
        ),
    ),
    "sujiatun": Area(
        18,
        (
            Centre("苏家屯站", "Sujiatun Station", 41.6620, 123.3420, 1.0, 2),
            Centre("雪莲街", "Xuelian Street", 41.6700, 123.3480, 1.2, 1),
        ),
        (("雪松路", "Xuesong Road"), ("迎春街", "Yingchun Street"), ("枫杨路", "Fengyang Road")),
    ),
    "liaozhong": Area(
        7,
        (Centre("辽中城区", "Liaozhong Town", 41.5120, 122.7310, 1.2, 1),),
        (("政府路", "Zhengfu Road"), ("滨水路", "Binshui Road")),
    ),
    "xinmin": Area(
        8,
        (Centre("新民城区", "Xinmin Town", 41.9960, 122.8280, 1.2, 1),),
        (("中兴街", "Zhongxing Street"), ("辽河大街", "Liaohe Avenue")),
    ),
    "faku": Area(
        5,
        (Centre("法库城区", "Faku Town", 42.5060, 123.4070, 1.0, 1),),
        (("河滨路", "Hebin Road"), ("吉祥街", "Jixiang Street")),
    ),
    "kangping": Area(
        4,
        (Centre("康平城区", "Kangping Town", 42.7410, 123.3540, 1.0, 1),),
        (("中心街", "Zhongxin Street"), ("胜利街", "Shengli Street")),
    ),
}

ROOTS: Final = (
    ("锦绣", "Jinxiu"), ("阳光", "Yangguang"), ("翠湖", "Cuihu"), ("书香", "Shuxiang"), ("御景", "Yujing"),
    ("龙泉", "Longquan"), ("银河", "Yinhe"), ("紫荆", "Zijing"), ("碧水", "Bishui"), ("荣华", "Ronghua"),
    ("安康", "Ankang"), ("瑞丰", "Ruifeng"), ("金桥", "Jinqiao"), ("新华", "Xinhua"), ("东方", "Dongfang"),
    ("滨河", "Binhe"), ("枫林", "Fenglin"), ("云杉", "Yunshan"), ("星海", "Xinghai"), ("嘉禾", "Jiahe"),
    ("汇泉", "Huiquan"), ("天润", "Tianrun"), ("盛景", "Shengjing"), ("福康", "Fukang"), ("文汇", "Wenhui"),
    ("百合", "Baihe"), ("雅苑", "Yayuan"), ("兴隆", "Xinglong"),
)  # fmt: skip
"""Auspicious names of compounds, towers and shops; with a centre or a street they make a name."""

OPERATORS: Final = (
    ("city-parking", "盛城停车集团", "Shengcheng City Parking", 0.24),
    ("curbside", "沈城路内停车公司", "Shencheng Kerbside Parking", 0.0),
    ("hunhe", "浑河智慧停车", "Hunhe Smart Parking", 0.13),
    ("beiling", "北陵停车管理", "Beiling Parking Services", 0.11),
    ("tiexi-assets", "铁西资产停车", "Tiexi Assets Parking", 0.10),
    ("commerce", "商圈停车联盟", "Downtown Commerce Parking", 0.12),
    ("homeland", "家园物业停车", "Homeland Property Parking", 0.13),
    ("medcare", "医院停车服务", "Hospital Parking Services", 0.0),
    ("hub", "枢纽停车服务", "Transport Hub Parking", 0.0),
    ("campus", "校园停车服务", "Campus Parking Services", 0.04),
    ("arena", "文体场馆停车", "Arena & Park Parking", 0.05),
    ("northpark", "北方泊车科技", "Northpark Technology", 0.08),
)
"""Invented operators with their share of the car parks that no speciality decides."""

SPECIALISTS: Final = {
    "street": "curbside",
    "hospital": "medcare",
    "station": "hub",
    "airport": "hub",
    "school": "campus",
    "stadium": "arena",
    "park": "arena",
}
"""Kinds that are always run by the same operator."""
