# Parquet files as today's libraries write them, into the folder of this script. Written with pyarrow 26.0.1, polars 2.1.0,
# datasets 5.2.0 and pandas 3.1.1; another version may give other bytes.
import datetime, decimal, pathlib
import pyarrow as pa, pyarrow.parquet as pq, polars as pl, datasets, pandas as pd
chat=lambda q,a,**k:[{'role':'user','content':q,**k},{'role':'assistant','content':a,**k}]
here=pathlib.Path(__file__).parent
def put(name,write):
    with open(here/f'{name}.parquet','wb') as b: write(b)
rows=[{'id':i,'category':'even' if i%2==0 else 'odd','messages':chat(f'Why {i}?',f'So {i} ü🐢.')} for i in range(6)]
t=pa.Table.from_pylist(rows)
for codec in ['none','snappy','gzip','brotli','zstd','lz4']:
    put('pyarrow-'+codec,lambda b:pq.write_table(t,b,compression=codec,row_group_size=4))
put('pyarrow-v2',lambda b:pq.write_table(t,b,data_page_version='2.0',version='2.6',row_group_size=4,write_page_index=True,data_page_size=64,write_batch_size=1,use_dictionary=False))
put('pyarrow-no-dictionary',lambda b:pq.write_table(t,b,use_dictionary=False))
for codec in ['zstd','snappy','lz4','uncompressed']:
    put('polars-'+codec,lambda b:pl.from_arrow(t).write_parquet(b,compression=codec,row_group_size=4))
put('datasets',lambda b:datasets.Dataset.from_list(rows).to_parquet(b,batch_size=4))
# columns of several shapes joined; all-null columns; null lists, empty lists
mixed=[{'messages':chat('Hi','Yo'),'text':None,'prompt':None,'completion':None,'extra':None},
 {'messages':None,'text':'plain','prompt':None,'completion':None,'extra':None},
 {'messages':None,'text':None,'prompt':'p','completion':'c','extra':None}]
mt=pa.Table.from_pylist(mixed,schema=pa.schema([('messages',t.schema.field('messages').type),('text',pa.large_string()),('prompt',pa.string()),('completion',pa.string()),('extra',pa.string())]))
put('null-columns',lambda b:pq.write_table(mt,b))
put('null-columns-lz4',lambda b:pq.write_table(mt,b,compression='lz4'))
put('null-columns-polars',lambda b:pl.from_arrow(mt).write_parquet(b))
put('pandas',lambda b:pd.DataFrame([{'prompt':'p','completion':'c'},{'text':'plain'}]).to_parquet(b))
# other types beside
now=datetime.datetime(2026,1,2,3,4,5)
ot=pa.table({'prompt':pa.array(['a','b']).dictionary_encode(),'when':pa.array([now,None],pa.timestamp('us')),'score':pa.array([1.5,None]),'n':pa.array([2**60,7],pa.int64()),
 'blob':pa.array([b'\xff\xfe',b''],pa.binary()),'nested':pa.array([[{'x':[1]}],None]),'price':pa.array([decimal.Decimal('1.25'),None]),'meta':pa.array([{'k':'v'},None]),'day':pa.array([datetime.date(2026,1,2),None])})
put('other-types',lambda b:pq.write_table(ot,b))
ids=pa.table({'input_ids':pa.array([[2,50,70,1,4]],pa.list_(pa.int32())),'attention_mask':pa.array([[1,1,1,1,0]],pa.list_(pa.int8())),'labels':pa.array([[-100,-100,70,1,-100]],pa.list_(pa.int64()))})
put('tokens',lambda b:pq.write_table(ids,b))
put('tokens-polars',lambda b:pl.from_arrow(ids).write_parquet(b))
seq=pa.table({'conversations':pa.array([{'from':['human','gpt'],'value':['Why?','So.']}])})
put('struct-of-lists',lambda b:pq.write_table(seq,b))
parts=pa.table({'messages':pa.array([[{'role':'user','content':[{'type':'text','text':'Why?','image':None}]},{'role':'assistant','content':[{'type':'text','text':'So.','image':None}]}]])})
put('parts',lambda b:pq.write_table(parts,b))
no_text=pa.array([b'good',b'\xff\xfe\xff',b'fine'],pa.binary())
bad=pa.table({'text':pa.Array.from_buffers(pa.string(),3,no_text.buffers())})
put('not-utf-8',lambda b:pq.write_table(bad,b))
put('empty',lambda b:pq.write_table(t.slice(0,0),b))
put('bad-row',lambda b:pq.write_table(pa.Table.from_pylist([{'conversations':[{'from':'human','value':'a'},{'from':'gpt','value':'b'}]},{'conversations':[{'from':'human','value':'a'},{'from':'moss','value':'b'}]},{'conversations':[{'from':'human','value':'c'},{'from':'gpt','value':'d'}]}]),b))
flags=pa.table({'prompt':[f'Why {i}?' for i in range(2000)],'toxic':[i%3==0 for i in range(2000)],'redacted':[None if i%5 else True for i in range(2000)]})
put('booleans-v2',lambda b:pq.write_table(flags,b,data_page_version='2.0',compression='zstd'))
